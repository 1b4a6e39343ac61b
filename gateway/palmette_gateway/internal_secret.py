"""The secret by which services know that a call comes through the gateway, and so who makes it."""

from __future__ import annotations

import re
from pathlib import Path

import grpc
import structlog

from palmette_gateway.secret_error import SecretError

HEADER = "x-palmette-internal-secret"
SETTING = "PALMETTE_INTERNAL_SECRET_FILE"
SECRET = re.compile(r"[A-Za-z0-9._~+/=-]{32,512}")  # it travels in a header

log = structlog.get_logger(__name__)


def read_secret(path: Path) -> str:
    """Return the secret that a file holds.

    Raises:
        SecretError: It cannot be read or holds anything but one line that can be a secret.
    """
    try:
        text = path.read_text(errors="replace").strip()
    except OSError as error:
        raise SecretError(f"cannot read {path} ({SETTING}): {error.strerror}") from error
    if not SECRET.fullmatch(text):
        raise SecretError(
            f"{path} ({SETTING}) must hold one line of 32 to 512 letters, digits and ._~+/=-: "
            f"make it with `openssl rand -hex 32`"
        )
    return text


class InternalSecret:
    """The secret as it is on disk now: a file that was replaced is read again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp = _stamp(path)
        self._value = read_secret(path)
        if path.stat().st_mode & 0o004:
            log.warning("every user of this machine can read the internal secret: chmod 600 it", path=str(path))

    @property
    def value(self) -> str:
        """The secret; the former one while the file is missing or wrong, so that one bad write stops nothing."""
        stamp = _stamp(self._path)
        if stamp != self._stamp:
            self._stamp = stamp  # first: what is wrong is said once, not with every call
            try:
                self._value = read_secret(self._path)
            except SecretError as error:
                log.error("the internal secret is not renewed", error=str(error))
        return self._value

    def add_to(self, details: grpc.aio.ClientCallDetails) -> grpc.aio.ClientCallDetails:
        """A call's details with the secret among its metadata."""
        metadata = grpc.aio.Metadata(*(details.metadata or ()), (HEADER, self.value))
        return grpc.aio.ClientCallDetails(
            details.method, details.timeout, metadata, details.credentials, details.wait_for_ready
        )


def _stamp(path: Path) -> tuple[int, int, int]:
    """What changes when a file is replaced; zeros while there is none."""
    try:
        found = path.stat()
    except OSError:
        return 0, 0, 0
    return found.st_ino, found.st_mtime_ns, found.st_size
