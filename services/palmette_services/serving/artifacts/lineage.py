"""The graph of an artifact's ancestors and descendants."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from palmette_protos.v1 import artifact_pb2
from palmette_services.serving.artifacts.index import ArtifactIndex
from palmette_services.serving.artifacts.names import artifact_name

Arrow = tuple[str, str]
"""(parent, child)."""


async def lineage(index: ArtifactIndex, identifier: str) -> artifact_pb2.GetLineageResponse:
    """Return the graph; ancestors that were deleted since show in arrows only."""
    arrows = await index.arrows()
    members = ancestors([identifier], arrows) | descendants([identifier], arrows) | {identifier}
    artifacts = await index.summaries(members)
    plugins = {artifact.name: artifact.plugin for artifact in artifacts}
    edges = [
        artifact_pb2.LineageEdge(
            parent=artifact_name(parent), child=artifact_name(child), plugin=plugins.get(artifact_name(child), "")
        )
        for parent, child in sorted(arrows)
        if parent in members and child in members
    ]
    return artifact_pb2.GetLineageResponse(artifacts=artifacts, edges=edges)


def ancestors(start: Iterable[str], arrows: Iterable[Arrow]) -> set[str]:
    """Return everything that leads to any of `start`."""
    parents: defaultdict[str, list[str]] = defaultdict(list)
    for parent, child in arrows:
        parents[child].append(parent)
    return _reachable(start, parents)


def descendants(start: Iterable[str], arrows: Iterable[Arrow]) -> set[str]:
    """Return everything that any of `start` leads to."""
    children: defaultdict[str, list[str]] = defaultdict(list)
    for parent, child in arrows:
        children[parent].append(child)
    return _reachable(start, children)


def _reachable(start: Iterable[str], steps: Mapping[str, list[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(start)
    while waiting:
        for step in steps.get(waiting.pop(), ()):
            if step not in found:
                found.add(step)
                waiting.append(step)
    return found
