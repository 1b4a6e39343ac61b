"""The panels that there are: one for each module of the package `panels`."""

from __future__ import annotations

import pkgutil
from collections.abc import Collection
from functools import cache
from importlib import import_module

from palmette_gateway.dashboard import panels as package
from palmette_gateway.dashboard.asking.panel import Panel


@cache
def panels() -> tuple[Panel, ...]:
    """Return every panel, in the order of the page."""
    modules = (import_module(f"{package.__name__}.{found.name}") for found in pkgutil.iter_modules(package.__path__))
    return tuple(sorted((module.PANEL for module in modules), key=lambda panel: (panel.rank, panel.id)))


def panel_of(identifier: str) -> Panel | None:
    """Return the panel with an id, or None."""
    return next((panel for panel in panels() if panel.id == identifier), None)


def panels_about(kind: str, services: Collection[str]) -> tuple[Panel, ...]:
    """Return the panels that an artifact of a kind leads to, of services that the suite has."""
    return tuple(panel for panel in panels() if panel.link and kind in panel.kinds and panel.service in services)
