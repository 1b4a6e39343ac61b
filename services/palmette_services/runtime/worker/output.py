"""What a worker prints, native code included: into a file, and from there into the job's log.

The file takes it first, so that the last words of a process that crashes are not lost.
"""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

from palmette_services.runtime.worker.sink import EventSink

_MOST_BYTES = 65_536  # reported at a time; a plugin that prints in a loop must not flood the job's history


def redirect_output(path: Path) -> None:
    """Send file descriptors 1 and 2 into the file."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for target in (1, 2):
        os.dup2(descriptor, target)
    os.close(descriptor)
    # Line buffering: what was printed is in the file even if the process is killed.
    sys.stdout = open(1, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115


class OutputFollower:
    """Turns new lines of the file into log lines of the job."""

    def __init__(self, path: Path, sink: EventSink) -> None:
        self._sink = sink
        self._file = path.open("rb")
        self._file.seek(0, os.SEEK_END)
        self._rest = b""

    def report(self) -> None:
        """Report the lines that were printed since the last time."""
        behind_bytes = os.fstat(self._file.fileno()).st_size - self._file.tell() - _MOST_BYTES
        if behind_bytes > 0:
            self._file.seek(behind_bytes, os.SEEK_CUR)
            self._rest = b""
            text = f"{behind_bytes / 1e6:.1f} MB of printed text left out here; the attempt's log file has it"
            self._sink.log(logging.WARNING, text)
        *lines, self._rest = (self._rest + self._file.read(_MOST_BYTES)).split(b"\n")
        self._log(lines)

    def close(self) -> None:
        """Report what is left, an unfinished line included."""
        sys.stdout.flush()
        sys.stderr.flush()
        self.report()
        self._log([self._rest])
        self._file.close()

    def _log(self, lines: list[bytes]) -> None:
        for line in lines:
            # A progress bar draws over itself: only the last state of the line counts.
            text = line.decode(errors="replace").rstrip("\r").rsplit("\r", 1)[-1].rstrip()
            if text:
                self._sink.log(logging.INFO, text)
