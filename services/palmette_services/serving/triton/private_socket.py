"""The socket of a local Triton: in a folder that only its user may enter.

Triton asks nobody who they are, and whoever can load a model runs code of their own. So it listens on no port: who
may connect is who may enter the folder, and that the kernel looks after.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from palmette_plugins.api.errors import FailedPrecondition

MAX_PATH_BYTES = 107  # sockaddr_un has room for 108, the zero at the end included


@dataclass(frozen=True)
class PrivateSocket:
    """A socket by its path, which ends in ``:NUMBER``: Triton puts its port there, though it opens none.

    Raises:
        FailedPrecondition: There can be no such socket.
    """

    path: Path

    def __post_init__(self) -> None:
        if not self._port.isdecimal() or int(self._port) > 65535:
            raise FailedPrecondition(f"the socket '{self.path}' must end in ':' and a number, such as /folder/triton:1")
        if not self.path.is_absolute() or len(os.fsencode(self.path)) > MAX_PATH_BYTES:
            raise FailedPrecondition(
                f"the socket '{self.path}' must be an absolute path of {MAX_PATH_BYTES} bytes at most"
            )

    @property
    def arguments(self) -> list[str]:
        """What tells tritonserver to listen there."""
        return [f"--grpc-address=unix:{str(self.path).rpartition(':')[0]}", f"--grpc-port={self._port}"]

    def make_folder(self) -> None:
        """Make the folder, or see that the one that is there is private.

        A socket that a killed server left in it is in nobody's way: gRPC removes it before it listens.

        Raises:
            FailedPrecondition: Somebody else may enter it. It is not changed: it might be one that all must enter.
        """
        folder = self.path.parent
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
            raise FailedPrecondition(
                f"Triton's socket needs a folder that only its user may enter, and {folder} is not one: remove it, or "
                "give it to this user with mode 0700"
            )

    @property
    def _port(self) -> str:
        return str(self.path).rpartition(":")[2]
