"""A folder for the suite's sockets that only the user may enter.

It is in the home. But a socket's path has few bytes and a home may lie deep, or its name mean something in an address:
then the folder is a short one in the place for temporary files, which the home remembers. That place is not
the user's runtime folder, which goes away when the user logs out, while a suite in the background goes on.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from palmette.errors import FailedPrecondition
from palmette.home import Home

MAX_PATH_BYTES = 107  # sockaddr_un has room for 108, the zero at the end included
MAX_NAME_BYTES = 24  # of a socket in the folder
SHORT_FOLDER = Path("/tmp")  # where TMPDIR is a long one
_PLAIN = re.compile(r"[A-Za-z0-9/._-]+")  # in a gRPC address % and others mean something


@contextlib.contextmanager
def socket_folder(home: Home) -> Iterator[Path]:
    """Give the folder of a home that is held; one outside the home is removed at the end.

    Raises:
        FailedPrecondition: No folder has a path that a socket could have.
    """
    if _fits(home.sockets):
        home.sockets.mkdir(parents=True, exist_ok=True, mode=0o700)
        home.sockets.chmod(0o700)
        yield home.sockets
        return
    folder = _remembered(home) or _made(home)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _memory(home).unlink(missing_ok=True)


def _fits(folder: Path) -> bool:
    room = MAX_PATH_BYTES - MAX_NAME_BYTES - 1
    return len(os.fsencode(folder)) <= room and _PLAIN.fullmatch(str(folder)) is not None


def _memory(home: Home) -> Path:
    return home.run / "socket-folder"


def _remembered(home: Home) -> Path | None:
    """Return the folder that a killed launcher made, if it is still there and still private."""
    with contextlib.suppress(FileNotFoundError):
        folder = Path(_memory(home).read_text().strip())
        found = folder.lstat()
        if stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077:
            return folder
    return None


def _made(home: Home) -> Path:
    for parent in (Path(tempfile.gettempdir()), SHORT_FOLDER):
        if parent.is_dir() and _fits(parent / "palmette-12345678"):
            folder = Path(tempfile.mkdtemp(prefix="palmette-", dir=parent))
            home.run.mkdir(parents=True, exist_ok=True)
            _memory(home).write_text(f"{folder}\n")
            return folder
    raise FailedPrecondition(
        f"the path of the home, {home.root}, cannot be that of a socket, and neither can that of the folder for "
        "temporary files: set PALMETTE_HOME or TMPDIR to a short path of plain letters"
    )
