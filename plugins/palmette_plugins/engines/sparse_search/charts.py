"""Pictures of a sparse search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

_ARMS = alt.Scale(
    domain=["dense", "found", "random", "worst", "external"],
    range=["#444444", "#1f6f43", "#c77c11", "#9b2226", "#3b5bab"],
)


def sparsity_chart(rows: Sequence[Mapping[str, Any]], metric: str) -> alt.LayerChart:
    """Return the final measurement of each arm against sparsity, with 95 % intervals over the seeds.

    Args:
        rows: ``arm``, ``sparsity``, ``value``, ``low`` and ``high``.
        metric: Name of the measurement.
    """
    base = alt.Chart(alt.Data(values=list(rows)), title="Found by search, random and dense").encode(
        x=alt.X("sparsity:Q", title="sparsity"), color=alt.Color("arm:N", title=None, scale=_ARMS)
    )
    line = base.mark_line(point=True).encode(
        y=alt.Y("value:Q", title=metric, scale=alt.Scale(zero=False)),
        tooltip=["arm:N", "sparsity:Q", alt.Tooltip("value:Q", format=".4f"), "low:Q", "high:Q"],
    )
    return alt.layer(base.mark_errorbar().encode(y=alt.Y("low:Q", title=metric), y2="high:Q"), line)


def score_chart(rows: Sequence[Mapping[str, Any]], score: str, metric: str) -> alt.Chart:
    """Return the final measurement of every trained candidate against its score before training.

    Args:
        rows: ``arm``, ``sparsity``, ``score`` and ``final``.
        score: Name of the score.
        metric: Name of the measurement.
    """
    return (
        alt.Chart(alt.Data(values=list(rows)), title="Does the score foretell the result?")
        .mark_circle(size=50, opacity=0.7)
        .encode(
            x=alt.X("score:Q", title=score, scale=alt.Scale(zero=False)),
            y=alt.Y("final:Q", title=metric, scale=alt.Scale(zero=False)),
            color=alt.Color("arm:N", title=None, scale=_ARMS),
            shape=alt.Shape("sparsity:N", title="sparsity"),
            tooltip=["arm:N", "sparsity:N", "seed:N", "score:Q", "final:Q"],
        )
    )


def curves_chart(rows: Sequence[Mapping[str, Any]]) -> alt.FacetChart:
    """Return the training loss of the arms over the steps, a panel per sparsity.

    Args:
        rows: ``arm``, ``sparsity``, ``step`` and ``loss``, the mean over seeds.
    """
    return (
        alt.Chart(alt.Data(values=list(rows)))
        .mark_line()
        .encode(
            x=alt.X("step:Q", title="step"),
            y=alt.Y("loss:Q", title="training loss", scale=alt.Scale(type="log")),
            color=alt.Color("arm:N", title=None, scale=_ARMS),
            tooltip=["arm:N", "step:Q", alt.Tooltip("loss:Q", format=".4f")],
        )
        .properties(width=180, height=160)
        .facet("sparsity:N", columns=4, title="Training loss")
    )
