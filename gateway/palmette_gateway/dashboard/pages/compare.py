"""Artifacts side by side."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from palmette.types import Artifact
from palmette_gateway.dashboard.calls.artifacts import get_artifact
from palmette_gateway.dashboard.context import dashboard_of
from palmette_gateway.dashboard.presentation.commands import flattened
from palmette_gateway.dashboard.presentation.formatting import number, short, size
from palmette_gateway.dashboard.presentation.metrics import best, headline

_MOST = 12


@dataclass(frozen=True)
class Row:
    """One figure or setting of every artifact; `share` is the figure's part of the row's largest, `best` marks it."""

    name: str
    texts: tuple[str, ...]
    shares: tuple[float, ...] = ()
    best: frozenset[int] = frozenset()


async def show(request: Request) -> Response:
    """Show the chosen artifacts as columns."""
    dashboard = dashboard_of(request)
    ids = list(dict.fromkeys(request.query_params.getlist("id")))[:_MOST]
    artifacts = await asyncio.gather(*(get_artifact(dashboard.suite, identifier) for identifier in ids))
    context = {
        "artifacts": artifacts,
        "figures": [*_metric_rows(artifacts), *_size_rows(artifacts)],
        "differences": _config_rows(artifacts),
    }
    return dashboard.page(request, "compare.html", context)


def _metric_rows(artifacts: list[Artifact]) -> list[Row]:
    names = headline({name: value for artifact in artifacts for name, value in artifact.metrics.items()}, 1000)
    return [_row(name, [artifact.metrics.get(name) for artifact in artifacts]) for name, _ in names]


def _size_rows(artifacts: list[Artifact]) -> list[Row]:
    if not artifacts:
        return []
    sizes = [float(artifact.size_bytes) for artifact in artifacts]
    made = _row("size", list(sizes))
    return [Row("size", tuple(size(value) for value in sizes), made.shares, made.best)]


def _row(name: str, values: list[float | None]) -> Row:
    known = [value for value in values if value is not None]
    largest = max((abs(value) for value in known), default=0.0) or 1.0
    chosen = best(name, known)
    return Row(
        name,
        tuple("-" if value is None else number(value) for value in values),
        tuple(0.0 if value is None else abs(value) / largest for value in values),
        frozenset(at for at, value in enumerate(values) if value is not None and value == chosen and len(known) > 1),
    )


def _config_rows(artifacts: list[Artifact]) -> list[Row]:
    """Return the settings and inputs in which the artifacts differ."""
    columns = [
        {
            **{f"input {name}": _words(value) for name, value in artifact.inputs.items()},
            **{name: _words(value) for name, value in flattened(artifact.config)},
            "seed": str(artifact.seed),
        }
        for artifact in artifacts
    ]
    names = dict.fromkeys(name for column in columns for name in column)
    rows = [Row(name, tuple(column.get(name, "-") for column in columns)) for name in names]
    return [row for row in rows if len(set(row.texts)) > 1]


def _words(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(_words(item) for item in value)
    if isinstance(value, str) and value.startswith("artifact:"):
        return f"artifact:{short(value)}"
    return number(value) if isinstance(value, float) else str(value)


ROUTES = [Route("/compare", show)]
