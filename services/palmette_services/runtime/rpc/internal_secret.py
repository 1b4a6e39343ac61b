"""The secret that the gateway shows with each call, so that nobody else can say who calls."""

from __future__ import annotations

import hmac
import re
from pathlib import Path

import structlog

from palmette_plugins.api.errors import FailedPrecondition

HEADER = "x-palmette-internal-secret"
SETTING = "PALMETTE_INTERNAL_SECRET_FILE"
_SECRET = re.compile(rb"[A-Za-z0-9._~+/=-]{32,512}")  # it travels in a header
_log = structlog.get_logger(__name__)


class InternalSecret:
    """The secrets of a file, one a line: each is accepted, so that a new one can come before the old one goes.

    A file that was replaced is read again with the next call.

    Raises:
        FailedPrecondition: The file cannot be read, or a line of it cannot be a secret.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp = _stamp(path)
        self._accepted = _read(path)

    def accepts(self, shown: str) -> bool:
        """Tell whether what a caller shows is one of the secrets; how long it takes tells nothing of them."""
        self._refresh()
        return any(hmac.compare_digest(secret, shown.encode()) for secret in self._accepted)

    def _refresh(self) -> None:
        stamp = _stamp(self._path)
        if stamp == self._stamp:
            return
        self._stamp = stamp  # first: what is wrong is said once, not with every call
        try:
            self._accepted = _read(self._path)
        except FailedPrecondition as error:
            _log.error("the former internal secret stays in force", error=str(error))


def _read(path: Path) -> list[bytes]:
    try:
        lines = path.read_bytes().split()
    except OSError as error:
        raise FailedPrecondition(f"cannot read {path} ({SETTING}): {error.strerror}") from None
    if not lines or not all(_SECRET.fullmatch(line) for line in lines):
        raise FailedPrecondition(
            f"{path} ({SETTING}) must hold a secret of 32 to 512 letters, digits and ._~+/=- in each line: "
            "make one with `openssl rand -hex 32` and give the gateway the same"
        )
    return lines


def _stamp(path: Path) -> tuple[int, int, int]:
    """What changes when a file is replaced; zeros while there is none."""
    try:
        found = path.stat()
    except OSError:
        return 0, 0, 0
    return found.st_ino, found.st_mtime_ns, found.st_size
