"""The manifest of an artifact that a user uploads: what `artifacts/` in a store calls ``manifest.json``."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from palmette.errors import DataLoss, FieldViolation, InvalidRequest
from palmette.types import ArtifactFile

MANIFEST_NAME = "manifest.json"
# The canonical form has every field, sorted. An upload was made by no job, plugin or configuration.
_DEFAULTS: Mapping[str, Any] = {
    "output": "",
    "spec": None,
    "task": "",
    "metrics": {},
    "figures": {},
    "parents": [],
    "inputs": {},
    "job": "",
    "plugin": "",
    "plugin_version": "",
    "config": {},
    "dataset_fingerprint": "",
    "seed": 0,
    "environment": {},
    "attributes": {},
}


@dataclass(frozen=True)
class LocalArtifact:
    """A folder ready to be sent: the manifest's bytes and the files that it names, in order."""

    folder: Path
    manifest: bytes
    files: tuple[ArtifactFile, ...]

    @property
    def id(self) -> str:
        """The id that the artifact will have."""
        return hashlib.sha256(self.manifest).hexdigest()


def open_folder(folder: Path) -> LocalArtifact:
    """Read a folder that holds a ``manifest.json``, such as a downloaded artifact.

    Raises:
        InvalidRequest: There is no manifest, or it is none.
        DataLoss: A file is missing or is not what the manifest says.
    """
    try:
        manifest = (folder / MANIFEST_NAME).read_bytes()
        files = tuple(ArtifactFile(**item) for item in orjson.loads(manifest)["files"])
    except (FileNotFoundError, NotADirectoryError):
        raise InvalidRequest.field("folder", f"{folder} has no {MANIFEST_NAME}; say its kind to make one") from None
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidRequest.field("folder", f"{folder / MANIFEST_NAME} is no manifest: {error}") from None
    for file in files:
        path = folder / file.path
        if not path.is_file() or file_digest(path) != file.sha256:
            raise DataLoss(f"{path} is missing or differs from the manifest; download the artifact again")
    return LocalArtifact(folder, manifest, files)


def make_manifest(folder: Path, kind: str, fields: Mapping[str, Any]) -> LocalArtifact:
    """Make a manifest for a folder without one: every file in it becomes a file of the artifact.

    Raises:
        InvalidRequest: It is no folder, or holds no file.
    """
    if not folder.is_dir():
        raise InvalidRequest.field("folder", f"{folder} is no folder")
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    if not paths:
        raise InvalidRequest.field("folder", f"{folder} holds no file")
    files = tuple(
        ArtifactFile(path.relative_to(folder).as_posix(), path.stat().st_size, file_digest(path)) for path in paths
    )
    return LocalArtifact(folder, _manifest_bytes(kind, files, fields), files)


def _manifest_bytes(kind: str, files: Sequence[ArtifactFile], fields: Mapping[str, Any]) -> bytes:
    unknown = sorted(set(fields) - set(_DEFAULTS))
    if unknown:
        what = f"is no field of a manifest that can be set; there is {', '.join(_DEFAULTS)}"
        raise InvalidRequest.of(FieldViolation(f"fields.{name}", what) for name in unknown)
    manifest = {
        **_DEFAULTS,
        **fields,
        "metrics": {name: float(value) for name, value in fields.get("metrics", {}).items()},
        "format_version": 1,
        "kind": kind,
        "create_time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "files": [vars(file) for file in files],
    }
    return orjson.dumps(manifest, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2)


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file in hex."""
    with path.open("rb") as reader:
        return hashlib.file_digest(reader, "sha256").hexdigest()
