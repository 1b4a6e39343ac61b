"""One artifact: what it is, how good it is, where it came from, and what can be done with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from palmette.errors import NotFound, PalmetteError
from palmette.types import Artifact, DeploymentInfo, InputType, Lineage, Plugin, PluginState
from palmette_gateway.dashboard.access.caller import Action
from palmette_gateway.dashboard.access.guard import mutation
from palmette_gateway.dashboard.asking.panel import Panel
from palmette_gateway.dashboard.asking.question import address
from palmette_gateway.dashboard.asking.registry import panels_about
from palmette_gateway.dashboard.calls.artifacts import delete_artifact, download_file, get_artifact, get_lineage
from palmette_gateway.dashboard.calls.plugins import list_plugins
from palmette_gateway.dashboard.context import dashboard_of
from palmette_gateway.dashboard.drawing.lineage import lineage_svg
from palmette_gateway.dashboard.pages.answers import done
from palmette_gateway.dashboard.presentation.spec_history import history

_MOST_NODES = 80
_REFERENCE_TYPES = {"model": InputType.MODEL, "supernet": InputType.MODEL, "dataset": InputType.DATASET}


async def show(request: Request) -> Response:
    """Show the artifact."""
    dashboard = dashboard_of(request)
    artifact = await get_artifact(dashboard.suite, request.path_params["id"])
    lineage, uses = await asyncio.gather(_lineage(request, artifact), _uses(request, artifact))
    context = {
        "artifact": artifact,
        "chapters": history(artifact.spec),
        "graph": lineage_svg(lineage, artifact.name) if lineage and len(lineage.artifacts) > 1 else "",
        "lineage": lineage,
        "uses": uses,
        "questions": _questions(artifact, dashboard.suite.services),
        "served_by": _served_by(artifact, dashboard.sampler.deployments.deployments),
        "io": artifact.spec.get("io") or {},
    }
    return dashboard.page(request, "artifact.html", context)


async def download(request: Request) -> Response:
    """Send one file of the artifact as a download."""
    suite = dashboard_of(request).suite
    artifact = await get_artifact(suite, request.path_params["id"])
    path = request.path_params["path"]
    file = next((file for file in artifact.files if file.path == path), None)
    if file is None:
        raise NotFound(f"{artifact.name} has no file {path}")
    headers = {
        "content-disposition": f"attachment; filename*=UTF-8''{quote(path.rpartition('/')[2])}",
        "content-length": str(file.size_bytes),
        "content-encoding": "identity",
    }
    content: AsyncIterator[bytes] = download_file(suite, artifact.name, path)
    return StreamingResponse(content, media_type="application/octet-stream", headers=headers)


async def delete(request: Request) -> Response:
    """Delete the artifact and go to the list."""
    await delete_artifact(dashboard_of(request).suite, request.path_params["id"], request.state.caller)
    return done(request, "/artifacts", leave=True)


async def _lineage(request: Request, artifact: Artifact) -> Lineage | None:
    """Return the lineage, cut to the artifact's nearest relatives where it is too large to read."""
    try:
        lineage = await get_lineage(dashboard_of(request).suite, artifact.id)
    except PalmetteError:
        return None
    if len(lineage.artifacts) <= _MOST_NODES:
        return lineage
    near = {edge.parent for edge in lineage.edges if edge.child == artifact.name}
    near |= {edge.child for edge in lineage.edges if edge.parent == artifact.name}
    chosen = {artifact.name, *sorted(near)[: _MOST_NODES - 1]}
    return Lineage(
        tuple(item for item in lineage.artifacts if item.name in chosen),
        tuple(edge for edge in lineage.edges if {edge.parent, edge.child} <= chosen),
    )


async def _uses(request: Request, artifact: Artifact) -> list[tuple[Plugin, str]]:
    """Return the methods that take such an artifact, with the name of the input that does."""
    wanted = {_REFERENCE_TYPES.get(artifact.kind, InputType.ARTIFACT)}
    try:
        plugins, _ = await list_plugins(dashboard_of(request).suite)
    except PalmetteError:
        return []
    found = []
    for plugin in plugins:
        name = next((item.name for item in plugin.inputs if item.type in wanted), "")
        if name and plugin.state is PluginState.READY:
            found.append((plugin, name))
    return found


def _questions(artifact: Artifact, services: Sequence[str]) -> list[tuple[Panel, str]]:
    """Return what can be asked about it without a job, each with the page that does."""
    found = panels_about(artifact.kind, services)
    return [(panel, address(panel, {panel.references[0].name: artifact.reference})) for panel in found]


def _served_by(artifact: Artifact, deployments: tuple[DeploymentInfo, ...]) -> list[DeploymentInfo]:
    return [
        deployment
        for deployment in deployments
        if any(version.artifact == artifact.name for version in deployment.versions)
    ]


_PATH = "/artifacts/{id}"
ROUTES = [
    Route(_PATH, show),
    Route(f"{_PATH}/files/{{path:path}}", download),
    Route(f"{_PATH}/delete", mutation(Action.DELETE_ARTIFACT, delete), methods=["POST"]),
]
