"""Artifacts side by side."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from palmette_gateway.dashboard.calls.artifacts import get_artifact
from palmette_gateway.dashboard.context import dashboard_of
from palmette_gateway.dashboard.presentation.comparison import figure_row, metric_rows, setting_rows
from palmette_gateway.dashboard.presentation.formatting import size

_MOST = 12


async def show(request: Request) -> Response:
    """Show the chosen artifacts as columns."""
    dashboard = dashboard_of(request)
    ids = list(dict.fromkeys(request.query_params.getlist("id")))[:_MOST]
    artifacts = await asyncio.gather(*(get_artifact(dashboard.suite, identifier) for identifier in ids))
    sizes = [float(artifact.size_bytes) for artifact in artifacts]
    settings = [
        {"input": artifact.inputs, "seed": artifact.seed, "version": artifact.plugin_version, **artifact.config}
        for artifact in artifacts
    ]
    context = {
        "artifacts": artifacts,
        "figures": [
            *metric_rows([artifact.metrics for artifact in artifacts]),
            figure_row("size", sizes, [size(value) for value in sizes]),
        ],
        "differences": setting_rows(settings),
    }
    return dashboard.page(request, "compare_artifacts.html", context)


ROUTES = [Route("/compare/artifacts", show)]
