"""Errors as one readable block and an exit code."""

from __future__ import annotations

import json
import sys

from rich.markup import escape
from rich.panel import Panel

from palmette.cli.exit_codes import ExitCode, exit_code
from palmette.cli.output import err
from palmette.errors import InvalidRequest, JobFailed, PalmetteError


def report(error: PalmetteError, as_json: bool) -> ExitCode:
    """Print an error to standard error and return the exit code."""
    code = exit_code(error)
    if as_json:
        sys.stderr.write(json.dumps({"error": _json(error, code)}) + "\n")
    else:
        err.print(Panel(escape(str(error)), title=_title(error), title_align="left", border_style="red"))
    return code


def _title(error: PalmetteError) -> str:
    words = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in type(error).__name__)
    return words.strip()


def _json(error: PalmetteError, code: ExitCode) -> dict[str, object]:
    found: dict[str, object] = {
        "type": type(error).__name__,
        "message": str(error),
        "code": error.code,
        "reason": error.reason,
        "exit_code": int(code),
    }
    if isinstance(error, InvalidRequest):
        found["violations"] = [vars(violation) for violation in error.violations]
    if isinstance(error, JobFailed):
        found["job"] = error.job.name
    return found
