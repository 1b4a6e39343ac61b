"""Artifacts as the SDK sees them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


class ArtifactName(str):
    """Resource name of an artifact, ``artifacts/{id}``; usable wherever a reference or a name is expected."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> ArtifactName:
        """Make a name of ``artifacts/{id}``, ``artifact:{id}`` or the id alone (a unique prefix is enough)."""
        return cls("artifacts/" + text.strip().removeprefix("artifacts/").removeprefix("artifact:"))

    @property
    def id(self) -> str:
        """The SHA-256 of the manifest in hex."""
        return self.removeprefix("artifacts/")

    @property
    def reference(self) -> str:
        """What a job takes as input: ``artifact:{id}``."""
        return f"artifact:{self.id}"


@dataclass(frozen=True)
class ArtifactFile:
    """A file of an artifact: relative path, size in bytes, SHA-256 in hex."""

    path: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class Artifact:
    """A committed result; fields are those of the message ``palmette.v1.Artifact``.

    Attributes:
        name: ``artifacts/{id}``.
        kind: ``model``, ``table``, ...
        spec: The model spec; empty for kinds without one.
        metrics: Measurements at the time of saving.
        figures: Vega-Lite figures by name; empty in lists.
        parents: Artifacts that it was made from.
        manifest: The manifest, byte for byte as hashed; empty in lists.
    """

    name: ArtifactName
    kind: str
    output: str = ""
    create_time: datetime | None = None
    size_bytes: int = 0
    files: tuple[ArtifactFile, ...] = ()
    spec: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    parents: tuple[ArtifactName, ...] = ()
    inputs: Mapping[str, Any] = field(default_factory=dict)
    job: str = ""
    plugin: str = ""
    plugin_version: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    dataset_fingerprint: str = ""
    seed: int = 0
    environment: Mapping[str, str] = field(default_factory=dict)
    task: str = ""
    figures: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    manifest: bytes = b""

    @property
    def id(self) -> str:
        """The SHA-256 of the manifest in hex."""
        return self.name.id

    @property
    def reference(self) -> str:
        """What a job takes as input: ``artifact:{id}``."""
        return self.name.reference


@dataclass(frozen=True)
class LineageEdge:
    """An arrow of a lineage graph, with the plugin that made the child."""

    parent: ArtifactName
    child: ArtifactName
    plugin: str


@dataclass(frozen=True)
class Lineage:
    """An artifact with its ancestors and descendants."""

    artifacts: tuple[Artifact, ...]
    edges: tuple[LineageEdge, ...]


@dataclass(frozen=True)
class GarbageReport:
    """What a garbage collection removed, or would remove."""

    artifacts: tuple[ArtifactName, ...]
    blob_count: int
    freed_bytes: int
