"""Pictures of a multi-objective search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt


def front_chart(rows: Sequence[Mapping[str, Any]], x: str, y: str) -> alt.LayerChart:
    """Return all measured networks by two objectives, with the front as a line.

    Args:
        rows: Two objectives by name, ``round``, ``number`` and ``front`` (whether the network is on it).
        x: Name of the objective across, usually a cost.
        y: Name of the objective up.
    """
    base = alt.Chart(alt.Data(values=list(rows)), title="Measured networks and their front").encode(
        x=alt.X(f"{x}:Q", title=x, scale=alt.Scale(zero=False)),
        y=alt.Y(f"{y}:Q", title=y, scale=alt.Scale(zero=False)),
    )
    points = base.mark_circle(size=45, opacity=0.8).encode(
        color=alt.Color("round:O", title="round", scale=alt.Scale(scheme="viridis")),
        tooltip=["number:Q", "round:Q", f"{x}:Q", alt.Tooltip(f"{y}:Q", format=".4f")],
    )
    line = base.transform_filter("datum.front").mark_line(point=True, color="#9b2226", interpolate="step-after")
    return alt.layer(points, line)


def hypervolume_chart(curve: Sequence[float]) -> alt.Chart:
    """Return the hypervolume after each measurement."""
    rows = [{"measurements": index + 1, "hypervolume": value} for index, value in enumerate(curve)]
    return (
        alt.Chart(alt.Data(values=rows), title="Hypervolume against measurements")
        .mark_line()
        .encode(
            x=alt.X("measurements:Q", title="networks measured"),
            y=alt.Y("hypervolume:Q", title="hypervolume", scale=alt.Scale(zero=False)),
            tooltip=["measurements:Q", alt.Tooltip("hypervolume:Q", format=".5f")],
        )
    )


def predictor_chart(rows: Sequence[Mapping[str, Any]]) -> alt.FacetChart:
    """Return what was predicted of networks against what was measured afterwards, a panel per measurement.

    Args:
        rows: ``name``, ``round``, ``predicted`` and ``measured``.
    """
    return (
        alt.Chart(alt.Data(values=list(rows)))
        .mark_circle(size=40, opacity=0.7)
        .encode(
            x=alt.X("predicted:Q", title="predicted", scale=alt.Scale(zero=False)),
            y=alt.Y("measured:Q", title="measured afterwards", scale=alt.Scale(zero=False)),
            color=alt.Color("round:O", title="round", scale=alt.Scale(scheme="viridis")),
            tooltip=["round:Q", "predicted:Q", "measured:Q"],
        )
        .properties(width=220, height=200)
        .facet("name:N", columns=3, title="Predictions, out of sample")
        .resolve_scale(x="independent", y="independent")
    )
