"""Triton's model repository on the disk.

Layout: ``<root>/<model>/config.pbtxt`` and ``<root>/<model>/<version>/...``. Whatever Triton may read appears by a
rename, so that a crash never leaves half a version.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from palmette_plugins.api.artifacts.disk import disk_errors
from palmette_services.serving.triton.model_config import Backend, ServedModel, config_text

_PYTHON_MODELS = {
    Backend.PYTHON_ONNX: "palmette_plugins.serving.triton_onnx",
    Backend.PYTHON_TORCH: "palmette_plugins.serving.triton_torch",
}


class ModelRepository:
    """Writes and removes models below one local folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write_version(self, model: str, version: int, backend: Backend, files: Mapping[str, Path]) -> None:
        """Put a version's files in place; a version that is there already is replaced."""
        folder = self.root / model / str(version)
        fresh = self._temporary(model, str(version))
        with disk_errors(f"writing version {version} of {model} into the model repository"):
            try:
                fresh.mkdir(parents=True)
                for name, source in files.items():
                    (fresh / name).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(source, fresh / name)
                if backend.is_python:
                    (fresh / "model.py").write_text(_model_file(backend))
                if folder.exists():
                    folder.rename(self._temporary(model, f"{version}.old"))
                fresh.rename(folder)
            finally:
                self._sweep(model)

    def write_config(self, model: ServedModel) -> None:
        """Say which version of a model serves, and how."""
        target = self.root / model.name / "config.pbtxt"
        temporary = self._temporary(model.name, "config.pbtxt")
        with disk_errors(f"writing the configuration of {model.name}"):
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                temporary.write_text(config_text(model))
                temporary.replace(target)
            finally:
                temporary.unlink(missing_ok=True)

    def has_version(self, model: str, version: int) -> bool:
        """Tell whether a version's files are there."""
        return (self.root / model / str(version)).is_dir()

    def models(self) -> list[str]:
        """Return the names of the models on the disk."""
        if not self.root.is_dir():
            return []
        return sorted(path.name for path in self.root.iterdir() if path.is_dir() and not path.name.startswith("."))

    def versions(self, model: str) -> list[int]:
        """Return the versions of a model on the disk, ascending."""
        folder = self.root / model
        if not folder.is_dir():
            return []
        return sorted(int(path.name) for path in folder.iterdir() if path.is_dir() and path.name.isdecimal())

    def remove_version(self, model: str, version: int) -> None:
        """Remove a version's files, if they are there."""
        shutil.rmtree(self.root / model / str(version), ignore_errors=True)

    def remove_model(self, model: str) -> None:
        """Remove a model with all versions, if it is there."""
        shutil.rmtree(self.root / model, ignore_errors=True)

    def _temporary(self, model: str, name: str) -> Path:
        return self.root / model / f".{name}.{os.getpid()}"

    def _sweep(self, model: str) -> None:
        """Remove unfinished and replaced folders of a model."""
        for path in (self.root / model).glob(".*"):
            shutil.rmtree(path, ignore_errors=True)


def _model_file(backend: Backend) -> str:
    return (
        '"""What Triton\'s Python backend loads; the code itself is part of palmette-plugins."""\n\n'
        f"from {_PYTHON_MODELS[backend]} import TritonPythonModel  # noqa: F401\n"
    )
