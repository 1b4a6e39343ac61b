"""Turning references into data and models. This is where plugins of other groups are imported."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar, cast

from palmette_plugins.api import entry_points
from palmette_plugins.api.errors import FieldViolation, InvalidArgument, PalmetteError
from palmette_plugins.api.kinds import ArtifactKind
from palmette_plugins.api.references import Reference

if TYPE_CHECKING:
    from palmette_plugins.api.architecture import ArchitectureProvider
    from palmette_plugins.api.artifacts import ArtifactStore, StoredArtifact
    from palmette_plugins.api.data import DataInfo, Dataset, DatasetSource
    from palmette_plugins.api.task import Task

T = TypeVar("T")
ARTIFACT = "artifact"
DATASET_SOURCE = "dataset_source"  # attribute of a dataset's manifest: the dataset plugin that reads it


def dataset_source(reference: Reference) -> DatasetSource:
    """Return the plugin that provides a dataset reference; raise `NotFound` with the nearest names."""
    source = entry_points.load(entry_points.DATASETS, reference.scheme, "dataset")
    return cast("DatasetSource", source())


def architecture_provider(reference: Reference) -> ArchitectureProvider:
    """Return the plugin that provides an architecture reference; raise `NotFound` with the nearest names."""
    provider = entry_points.load(entry_points.ARCHITECTURES, reference.scheme, "model scheme")
    return cast("ArchitectureProvider", provider())


def task(name: str) -> Task:
    """Return a task by name; raise `NotFound` with the nearest names."""
    return cast("Task", entry_points.load(entry_points.TASKS, name, "task")())


def describe_dataset(text: str, field: str, store: ArtifactStore | None = None) -> DataInfo:
    """Describe a dataset reference, ``artifact:<id>`` among them where there is a store; errors name `field`."""
    reference = Reference.parse(text, field)

    def describe() -> DataInfo:
        if reference.scheme != ARTIFACT:
            return dataset_source(reference).describe(reference)
        source, artifact = _saved(reference, store)
        return source.describe_artifact(artifact, reference)

    return _for_field(field, describe)


def load_dataset(text: str, field: str = "data", store: ArtifactStore | None = None) -> Dataset:
    """Load a dataset reference, ``artifact:<id>`` among them where there is a store; errors name `field`."""
    reference = Reference.parse(text, field)

    def load() -> Dataset:
        if reference.scheme != ARTIFACT:
            return dataset_source(reference).load(reference)
        source, artifact = _saved(reference, store)
        return source.load_artifact(artifact, reference)

    return _for_field(field, load)


def _saved(reference: Reference, store: ArtifactStore | None) -> tuple[DatasetSource, StoredArtifact]:
    """Return a dataset artifact, and the source that its manifest names."""
    if store is None:
        raise InvalidArgument.field("reference", f"'{reference}' is an artifact, but no artifact store is set")
    artifact = store.get(reference.target)
    name = str(artifact.manifest.attributes.get(DATASET_SOURCE) or "")
    if artifact.manifest.kind is not ArtifactKind.DATASET or not name:
        held = artifact.manifest.kind.value
        raise InvalidArgument.field("reference", f"'{reference}' is a {held} artifact, not a dataset")
    return dataset_source(Reference(name)), artifact


def _for_field(field: str, action: Callable[[], T]) -> T:
    """Run `action`; re-raise its errors as violations of `field`."""
    try:
        return action()
    except InvalidArgument as error:
        raise InvalidArgument(FieldViolation(field, violation.description) for violation in error.violations) from None
    except PalmetteError as error:
        raise InvalidArgument.field(field, str(error)) from None
