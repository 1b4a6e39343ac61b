"""The model repository never shows half a version."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.plugins.api.conftest import on_small_disk
from tests.services.serving.triton.test_model_config import MODEL

from palmette_plugins.api import ResourceExhausted
from palmette_services.serving.triton.model_config import Backend
from palmette_services.serving.triton.repository import ModelRepository

__all__ = ["on_small_disk"]


@pytest.fixture
def repository(tmp_path: Path) -> ModelRepository:
    return ModelRepository(tmp_path / "models")


@pytest.fixture
def onnx(tmp_path: Path) -> Path:
    path = tmp_path / "source.onnx"
    path.write_bytes(b"graph")
    return path


def tree(repository: ModelRepository) -> set[str]:
    return {path.relative_to(repository.root).as_posix() for path in repository.root.rglob("*") if path.is_file()}


def test_version_of_the_python_backend_comes_with_its_code(repository: ModelRepository, onnx: Path) -> None:
    repository.write_version("digits", 1, Backend.PYTHON_ONNX, {"model.onnx": onnx})
    assert tree(repository) == {"digits/1/model.onnx", "digits/1/model.py"}
    assert "palmette_plugins.serving.triton_onnx" in (repository.root / "digits/1/model.py").read_text()


def test_version_of_the_onnxruntime_backend_is_the_model_alone(repository: ModelRepository, onnx: Path) -> None:
    repository.write_version("digits", 1, Backend.ONNXRUNTIME, {"model.onnx": onnx})
    assert tree(repository) == {"digits/1/model.onnx"}


def test_failed_write_leaves_the_former_version_and_nothing_else(
    repository: ModelRepository, onnx: Path, tmp_path: Path
) -> None:
    repository.write_version("digits", 1, Backend.ONNXRUNTIME, {"model.onnx": onnx})
    broken = {"a.bin": onnx, "model.onnx": tmp_path / "missing"}
    with pytest.raises(FileNotFoundError):
        repository.write_version("digits", 1, Backend.ONNXRUNTIME, broken)
    assert tree(repository) == {"digits/1/model.onnx"}


def test_rewritten_version_holds_only_the_new_files(repository: ModelRepository, onnx: Path) -> None:
    repository.write_version("digits", 1, Backend.PYTHON_ONNX, {"old.bin": onnx})
    repository.write_version("digits", 1, Backend.ONNXRUNTIME, {"model.onnx": onnx})
    assert tree(repository) == {"digits/1/model.onnx"}


def test_models_and_versions_are_told_and_removed(repository: ModelRepository, onnx: Path) -> None:
    for number in (1, 2, 10):
        repository.write_version("digits", number, Backend.ONNXRUNTIME, {"model.onnx": onnx})
    repository.write_config(MODEL)
    repository.remove_version("digits", 2)
    assert (repository.models(), repository.versions("digits")) == (["digits"], [1, 10])
    repository.remove_model("digits")
    repository.remove_model("digits")
    assert repository.models() == []


def test_full_disk_is_said_and_leaves_no_half_version(
    on_small_disk: Callable[[Callable[[Path], None], int], None], tmp_path: Path
) -> None:
    source = tmp_path / "large.onnx"
    source.write_bytes(bytes(1 << 20))

    def write_too_much(disk: Path) -> None:
        repository = ModelRepository(disk)
        with pytest.raises(ResourceExhausted, match="no space left on the disk while writing version 1 of digits"):
            repository.write_version("digits", 1, Backend.ONNXRUNTIME, {"model.onnx": source})
        assert tree(repository) == set()

    on_small_disk(write_too_much, 1 << 19)
