"""Models of the export tests, committed as a method commits them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from palmette_plugins.api import DatasetRef, JobContext, Kind, LoadedModel, Method, Model, ModelRef, run_method
from palmette_plugins.api.artifacts import ArtifactStore

Change = Callable[[LoadedModel], LoadedModel]


class Save(Method):
    """Save a model as it is."""

    kind = Kind.TRAIN
    inputs: ClassVar[Mapping[str, Any]] = {"model": ModelRef, "data": DatasetRef | None}
    outputs: ClassVar[Mapping[str, Any]] = {"model": Model}
    change: ClassVar[Change] = staticmethod(lambda model: model)

    def run(self, job: JobContext) -> None:
        """Save it, changed."""
        job.save_model(type(self).change(job.model("model")))


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> ArtifactStore:
    """A store for all export tests."""
    return ArtifactStore(str(tmp_path_factory.mktemp("store")))


@pytest.fixture(scope="session")
def save(store: ArtifactStore) -> Callable[..., str]:
    """Return a function that saves a model and returns its reference."""

    def run(model: str, data: str | None = "digits", change: Change = lambda model: model) -> str:
        method = type("SaveChanged", (Save,), {"change": staticmethod(change), "__doc__": Save.__doc__})
        inputs = {"model": model} if data is None else {"model": model, "data": data}
        return f"artifact:{run_method(method, store=store.url, **inputs).artifacts['model'][0]}"

    return run


@pytest.fixture(scope="session")
def text_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some English to model."""
    path = tmp_path_factory.mktemp("text") / "words.txt"
    path.write_text("the cat sat on the mat and the dog lay by the log. " * 200)
    return path
