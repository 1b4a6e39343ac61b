"""An artifact in its store, with its files at hand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from palmette_plugins.api.artifacts.manifest import Manifest

if TYPE_CHECKING:
    from palmette_plugins.api.artifacts.store import ArtifactStore


@dataclass(frozen=True)
class StoredArtifact:
    """A committed artifact.

    Attributes:
        id: Its full id.
        manifest: What it is, verified against its id.
        store: Where it is.
    """

    id: str
    manifest: Manifest
    store: ArtifactStore

    @property
    def reference(self) -> str:
        """How inputs name it."""
        return f"artifact:{self.id}"

    def file(self, path: str) -> Path:
        """Return a local path with the verified content of one of its files; raise `NotFound` if it has none such."""
        return self.store.local_path(self.id, path)
