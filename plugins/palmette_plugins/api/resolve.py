"""Turning references into data and models. This is where plugins of other groups are imported."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar, cast

from palmette_plugins.api import entry_points
from palmette_plugins.api.errors import FieldViolation, InvalidArgument, PalmetteError
from palmette_plugins.api.references import Reference

if TYPE_CHECKING:
    from palmette_plugins.api.architecture import ArchitectureProvider
    from palmette_plugins.api.data import DataInfo, Dataset, DatasetSource
    from palmette_plugins.api.task import Task

T = TypeVar("T")


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


def describe_dataset(text: str, field: str) -> DataInfo:
    """Describe a dataset reference; errors name `field`."""
    reference = Reference.parse(text, field)
    return _for_field(field, lambda: dataset_source(reference).describe(reference))


def load_dataset(text: str, field: str = "data") -> Dataset:
    """Load a dataset reference; errors name `field`."""
    reference = Reference.parse(text, field)
    return _for_field(field, lambda: dataset_source(reference).load(reference))


def _for_field(field: str, action: Callable[[], T]) -> T:
    """Run `action`; re-raise its errors as violations of `field`."""
    try:
        return action()
    except InvalidArgument as error:
        raise InvalidArgument(FieldViolation(field, violation.description) for violation in error.violations) from None
    except PalmetteError as error:
        raise InvalidArgument.field(field, str(error)) from None
