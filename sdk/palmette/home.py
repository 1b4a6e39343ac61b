"""Where a local suite keeps its files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import platformdirs

from palmette.settings import Settings


@dataclass(frozen=True)
class Home:
    """Paths below the home of a local suite (``PALMETTE_HOME``, by default the user's data directory)."""

    root: Path

    @classmethod
    def find(cls, root: Path | str | None = None) -> Home:
        """Return the home at `root`, at ``PALMETTE_HOME``, or at the default place."""
        chosen = root or Settings().home or platformdirs.user_data_dir("palmette")
        return cls(Path(chosen).expanduser().resolve())

    @property
    def run(self) -> Path:
        """What only matters while the suite runs."""
        return self.root / "run"

    @property
    def endpoints(self) -> Path:
        """Address, process ids and ports of the running suite; written last, removed first."""
        return self.run / "endpoints.json"

    @property
    def lock(self) -> Path:
        """Held by the launcher; contains its process id."""
        return self.run / "lock"

    @property
    def state(self) -> Path:
        """What the launcher is doing with each process."""
        return self.run / "state.json"

    @property
    def sockets(self) -> Path:
        """Sockets of the running suite, in a folder that only the user may enter."""
        return self.run / "sockets"

    @property
    def auth(self) -> Path:
        """Signing key and token, readable by the user only."""
        return self.root / "auth"

    @property
    def token(self) -> Path:
        """The user's token."""
        return self.auth / "token"

    @property
    def databases(self) -> Path:
        """One SQLite database per service."""
        return self.root / "databases"

    @property
    def artifacts(self) -> Path:
        """The artifact store."""
        return self.root / "artifacts"

    @property
    def data(self) -> Path:
        """Checkpoints, caches and job logs, one folder per service."""
        return self.root / "data"

    @property
    def model_repository(self) -> Path:
        """What Triton serves from."""
        return self.root / "triton" / "models"

    @property
    def envoy(self) -> Path:
        """Envoy's configuration."""
        return self.root / "envoy"

    @property
    def logs(self) -> Path:
        """One log per process."""
        return self.root / "logs"
