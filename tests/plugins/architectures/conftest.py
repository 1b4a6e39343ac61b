"""Data that models are loaded for, and stores that hold them."""

import pytest

from palmette_plugins.api.artifacts import ArtifactStore
from palmette_plugins.api.kinds import ArtifactKind
from palmette_plugins.api.resolve import describe_dataset, load_dataset
from palmette_plugins.architectures.saving import model_files


@pytest.fixture(scope="session")
def digits():
    return load_dataset("digits")


@pytest.fixture(scope="session")
def manual():
    return load_dataset("manual?context=32&limit=10&test_limit=20")


@pytest.fixture(scope="session")
def fashion():
    return describe_dataset("fashion-mnist", "data")


@pytest.fixture
def store(tmp_path):
    return ArtifactStore(str(tmp_path / "artifacts"))


@pytest.fixture
def save(store):
    """Commit a model as a job would, and return its reference."""

    def commit(model, data, kind=ArtifactKind.MODEL):
        with store.writer() as writer:
            spec = model_files(writer, model, data)
            return f"artifact:{writer.commit(kind=kind, spec=spec, task=spec.task)}"

    return commit
