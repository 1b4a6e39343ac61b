"""Finding plugins by their entry points, without importing them."""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from palmette_plugins.api.errors import FailedPrecondition, NotFound

TASKS = "palmette.tasks"
ARCHITECTURES = "palmette.architectures"
DATASETS = "palmette.datasets"
EDITS = "palmette.edits"
LAYERS = "palmette.layers"


def methods_group(service: str) -> str:
    """Return the entry-point group of a service's methods."""
    return f"palmette.methods.{service}"


def operations_group(service: str) -> str:
    """Return the entry-point group of a service's synchronous operations."""
    return f"palmette.operations.{service}"


def installed(group: str) -> dict[str, EntryPoint]:
    """Return the entry points of a group by name, ordered by name."""
    return {point.name: point for point in sorted(entry_points(group=group), key=lambda point: point.name)}


@cache
def load(group: str, name: str, what: str = "plugin") -> Any:
    """Import and return the object of one entry point.

    Raises:
        NotFound: No such entry point; the message has the nearest names.
        FailedPrecondition: It is installed but its import fails.
    """
    points = installed(group)
    if name not in points:
        raise NotFound.named(what, name, list(points))
    try:
        return points[name].load()
    except Exception as error:  # an import runs foreign code: anything can come out of it
        raise FailedPrecondition(f"{what} '{name}' fails to import: {type(error).__name__}: {error}") from error
