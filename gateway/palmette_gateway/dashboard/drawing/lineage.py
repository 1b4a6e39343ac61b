"""The graph of what an artifact was made from and what was made from it, as inline SVG."""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup

from palmette.types import Artifact, Lineage
from palmette_gateway.dashboard.drawing.layers import layers
from palmette_gateway.dashboard.presentation import links
from palmette_gateway.dashboard.presentation.formatting import number, short
from palmette_gateway.dashboard.presentation.metrics import headline

_WIDTH, _HEIGHT, _ACROSS, _DOWN, _MARGIN = 188, 66, 56, 18, 6
_LONGEST = 25
Place = tuple[float, float]


def lineage_svg(lineage: Lineage, current: str) -> Markup:
    """Return the graph; each node links to its artifact, the current one is marked."""
    artifacts = {str(artifact.name): artifact for artifact in lineage.artifacts}
    oldest_first = sorted(artifacts, key=lambda name: (str(artifacts[name].create_time or ""), name))
    edges = sorted({(str(edge.parent), str(edge.child)) for edge in lineage.edges})
    columns = layers(oldest_first, edges)
    tallest = max((len(column) for column in columns), default=1)
    places = {
        name: _place(column, row, len(names), tallest)
        for column, names in enumerate(columns)
        for row, name in enumerate(names)
    }
    width = len(columns) * (_WIDTH + _ACROSS) - _ACROSS + 2 * _MARGIN
    height = tallest * (_HEIGHT + _DOWN) - _DOWN + 2 * _MARGIN
    arrows = Markup("").join(_arrow(places[a], places[b]) for a, b in edges if a in places and b in places)
    nodes = Markup("").join(_node(artifacts[name], places[name], name == current) for name in oldest_first)
    return Markup(
        '<svg class="lineage" viewBox="0 0 {} {}" width="{}" height="{}" role="group" aria-label="{}">'
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0L8 4L0 8z"/></marker></defs>{}{}</svg>'
    ).format(width, height, width, height, _words(lineage, artifacts), arrows, nodes)


def _place(column: int, row: int, rows: int, tallest: int) -> Place:
    offset = (tallest - rows) * (_HEIGHT + _DOWN) / 2
    return _MARGIN + column * (_WIDTH + _ACROSS), _MARGIN + offset + row * (_HEIGHT + _DOWN)


def _arrow(start: Place, end: Place) -> Markup:
    x1, y1 = start[0] + _WIDTH, start[1] + _HEIGHT / 2
    x2, y2 = end[0], end[1] + _HEIGHT / 2
    bend = max((x2 - x1) / 2, 20)
    return Markup('<path class="lineage-edge" d="M{:.1f} {:.1f}C{:.1f} {:.1f} {:.1f} {:.1f} {:.1f} {:.1f}"/>').format(
        x1, y1, x1 + bend, y1, x2 - bend, y2, x2, y2
    )


def _node(artifact: Artifact, place: Place, current: bool) -> Markup:
    figures = ", ".join(f"{name} {number(value)}" for name, value in headline(artifact.metrics, 1))
    maker = artifact.plugin.rpartition("/")[2] or "uploaded"
    return Markup(
        '<a href="{}"{} class="lineage-node{}"><title>{}</title>'
        '<rect x="{:.1f}" y="{:.1f}" width="{}" height="{}" rx="8"/>'
        '<text class="lineage-maker" x="{:.1f}" y="{:.1f}">{}</text>'
        '<text x="{:.1f}" y="{:.1f}">{}</text><text x="{:.1f}" y="{:.1f}">{}</text></a>'
    ).format(
        links.artifact(artifact.name),
        Markup(' aria-current="true"') if current else "",
        " is-current" if current else "",
        f"{artifact.kind} {artifact.id} by {artifact.plugin or 'an upload'}",
        *(place[0], place[1], _WIDTH, _HEIGHT),
        *(place[0] + 12, place[1] + 22, _cut(maker)),
        *(place[0] + 12, place[1] + 39, f"{artifact.kind} {short(artifact.id)}"),
        *(place[0] + 12, place[1] + 55, _cut(figures)),
    )


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _words(lineage: Lineage, artifacts: Mapping[str, Artifact]) -> str:
    return f"Lineage of {len(artifacts)} artifacts with {len(lineage.edges)} steps between them"
