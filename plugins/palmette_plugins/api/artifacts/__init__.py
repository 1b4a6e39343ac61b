"""Artifacts: content-addressed results of jobs."""

from palmette_plugins.api.artifacts.garbage import GarbageReport
from palmette_plugins.api.artifacts.manifest import ArtifactFile, Manifest
from palmette_plugins.api.artifacts.paths import safe_relative_path
from palmette_plugins.api.artifacts.store import ArtifactStore
from palmette_plugins.api.artifacts.stored import StoredArtifact
from palmette_plugins.api.artifacts.writer import ArtifactWriter

__all__ = [
    "ArtifactFile",
    "ArtifactStore",
    "ArtifactWriter",
    "GarbageReport",
    "Manifest",
    "StoredArtifact",
    "safe_relative_path",
]
