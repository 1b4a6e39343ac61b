"""Pictures of similarities between layers."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt

from palmette_plugins.engines.representations.comparison import Comparison


def similarity_map(comparison: Comparison, titles: tuple[str, str], title: str = "Similarity of layers") -> alt.Chart:
    """Return a map: layers of the first network down, of the second across, in order of execution."""
    rows = [
        {"first": first, "second": second, "similarity": round(float(comparison.similarity[i, j]), 4)}
        for i, first in enumerate(comparison.first)
        for j, second in enumerate(comparison.second)
    ]
    colour = alt.Scale(scheme="viridis", domain=[min(0.0, float(comparison.similarity.min())), 1.0])
    return (
        alt.Chart(alt.Data(values=rows), title=title)
        .mark_rect()
        .encode(
            x=alt.X("second:N", sort=list(comparison.second), title=titles[1]),
            y=alt.Y("first:N", sort=list(comparison.first), title=titles[0]),
            color=alt.Color("similarity:Q", scale=colour, title="similarity"),
            tooltip=["first:N", "second:N", alt.Tooltip("similarity:Q", format=".3f")],
        )
    )


def similarity_curves(history: Sequence[dict[str, float | str]], measure: str) -> alt.Chart:
    """Return the similarity of each pair over the steps.

    Args:
        history: Rows with ``step``, ``pair`` and ``similarity``.
        measure: Name of the measure, such as CKA.
    """
    return (
        alt.Chart(alt.Data(values=list(history)), title="Similarity with the guide")
        .mark_line()
        .encode(
            x=alt.X("step:Q", title="step"),
            y=alt.Y("similarity:Q", title=measure, scale=alt.Scale(zero=False)),
            color=alt.Color("pair:N", title="target ~ guide", legend=alt.Legend(symbolLimit=12)),
            tooltip=["pair:N", "step:Q", alt.Tooltip("similarity:Q", format=".3f")],
        )
    )
