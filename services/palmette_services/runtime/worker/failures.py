"""From what a method raised to a cause that a person can act on."""

from __future__ import annotations

import errno
import traceback

from google.rpc import code_pb2

from palmette_plugins.api.errors import PalmetteError
from palmette_services.runtime.jobs.failures import JobFailure
from palmette_services.runtime.rpc.codes import error_code
from palmette_services.runtime.worker.texts import clean_text, one_line

_LONGEST_TAIL = 16_384


def failure_of(error: BaseException, plugin: str, log_tail: str) -> JobFailure:
    """Return the failure of a job whose method raised `error`."""
    code, message = _describe(error, plugin)
    trace = "".join(traceback.format_exception(error))
    tail = f"{log_tail}\n{trace}" if log_tail else trace
    return JobFailure(message, type(error).__name__, clean_text(tail[-_LONGEST_TAIL:], _LONGEST_TAIL), code=code)


def _describe(error: BaseException, plugin: str) -> tuple[int, str]:
    said = one_line(str(error))
    if isinstance(error, PalmetteError):
        return error_code(error), said
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return code_pb2.RESOURCE_EXHAUSTED, f"no space left on the disk ({said}); free some space, then retry"
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return code_pb2.RESOURCE_EXHAUSTED, f"out of memory: {said or 'no more'}; use a smaller batch or model"
    if isinstance(error, SystemExit):
        return code_pb2.INTERNAL, f"plugin '{plugin}' called sys.exit({error.code!r}); it should return or raise"
    return code_pb2.INTERNAL, f"plugin '{plugin}' raised {type(error).__name__}: {said or '(without a message)'}"
