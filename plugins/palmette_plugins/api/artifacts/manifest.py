"""The manifest: everything there is to know about an artifact, and its identity."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from palmette_plugins.api.artifacts.paths import safe_relative_path
from palmette_plugins.api.errors import InvalidArgument
from palmette_plugins.api.kinds import ArtifactKind
from palmette_plugins.api.spec import ModelSpec

FORMAT_VERSION = 1


class ArtifactFile(BaseModel):
    """One file: relative path, size in bytes, SHA-256 in hex."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str
    size_bytes: int = Field(ge=0)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")

    @field_validator("path")
    @classmethod
    def _inside(cls, path: str) -> str:
        try:
            return safe_relative_path(path)
        except InvalidArgument as error:
            raise ValueError(str(error)) from None


class Manifest(BaseModel):
    """What an artifact is, where it came from, and the digests of its files.

    Its canonical JSON bytes are hashed to give the artifact's id. Fields are those of the message
    ``palmette.v1.Artifact``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format_version: int = FORMAT_VERSION
    kind: ArtifactKind
    output: str = ""
    create_time: datetime
    files: tuple[ArtifactFile, ...] = ()
    spec: ModelSpec | None = None
    task: str = ""
    metrics: dict[str, float] = Field(default_factory=dict)
    figures: dict[str, dict[str, Any]] = Field(default_factory=dict)
    parents: tuple[str, ...] = ()
    inputs: dict[str, list[str]] = Field(default_factory=dict)
    job: str = ""
    plugin: str = ""
    plugin_version: str = ""
    config: dict[str, Any] = Field(default_factory=dict)
    dataset_fingerprint: str = ""
    seed: int = 0
    environment: dict[str, str] = Field(default_factory=dict)
    attributes: dict[str, Any] = Field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """Return the canonical JSON bytes (sorted keys)."""
        return orjson.dumps(self.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2)

    @classmethod
    def from_bytes(cls, data: bytes) -> Manifest:
        """Parse manifest bytes; raise `InvalidArgument` naming what is wrong."""
        try:
            return cls.model_validate(orjson.loads(data))
        except orjson.JSONDecodeError as error:
            raise InvalidArgument.field("manifest", f"is not JSON: {error}") from None
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(["manifest", *(str(part) for part in first["loc"])])
            raise InvalidArgument.field(where, first["msg"]) from None

    @property
    def size_bytes(self) -> int:
        """Sum of the sizes of all files."""
        return sum(file.size_bytes for file in self.files)


def artifact_id(manifest_bytes: bytes) -> str:
    """Return the id of the artifact with this manifest."""
    return hashlib.sha256(manifest_bytes).hexdigest()
