"""Pictures of sub-networks: over the stages, against their cost, predicted, searched for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
from numpy.typing import ArrayLike

_GREEN = "#1f6f43"


def stage_chart(rows: Sequence[Mapping[str, Any]], metric: str) -> alt.Chart:
    """Return largest, middle, smallest and random sub-networks after every stage (validation split)."""
    staged = [row for row in rows if str(row["stage"]).startswith("stage-")]
    values = [{"stage": row["stage"], "network": row["what"], "value": row["validation"]} for row in staged]
    return (
        alt.Chart(alt.Data(values=values), title="Sub-networks after every stage, not retrained")
        .mark_line(point=True)
        .encode(
            x=alt.X("stage:O", title="after"),
            y=alt.Y("mean(value):Q", title=f"validation {metric}", scale=alt.Scale(zero=False)),
            color=alt.Color("network:N", title="sub-network", sort=["largest", "middle", "smallest", "random"]),
            tooltip=["stage:O", "network:N", alt.Tooltip("mean(value):Q", format=".4f")],
        )
    )


def cost_chart(rows: Sequence[Mapping[str, Any]], metric: str) -> alt.LayerChart:
    """Return measured sub-networks of the finished supernet against their multiply-adds, found ones marked."""
    values = [
        {"network": row["what"].split(":")[0], "macs": row["macs"], "value": row["validation"]}
        for row in rows
        if row["stage"] == "supernet"
    ]
    base = alt.Chart(alt.Data(values=values), title="Sub-networks of the finished supernet").encode(
        x=alt.X("macs:Q", title="multiply-adds", scale=alt.Scale(zero=False), axis=alt.Axis(format="~s")),
        y=alt.Y("value:Q", title=f"validation {metric}", scale=alt.Scale(zero=False)),
        tooltip=["network:N", alt.Tooltip("macs:Q", format="~s"), alt.Tooltip("value:Q", format=".4f")],
    )
    others = base.transform_filter("datum.network != 'found'").mark_point(opacity=0.5, color="#7a7a7a")
    found = base.transform_filter("datum.network == 'found'").mark_point(
        filled=True, size=120, color=_GREEN, shape="diamond"
    )
    return alt.layer(others, found)


def predictor_chart(predicted: ArrayLike, measured: ArrayLike, metric: str) -> alt.Chart:
    """Return predictions against measurements, of samples that the predictor had not seen."""
    import numpy as np

    pairs = zip(np.asarray(predicted).tolist(), np.asarray(measured).tolist(), strict=True)
    values = [{"predicted": guess, "measured": truth} for guess, truth in pairs]
    return (
        alt.Chart(alt.Data(values=values), title="Predicted and measured, unseen sub-networks")
        .mark_point(color=_GREEN)
        .encode(
            x=alt.X("measured:Q", title=f"measured {metric}", scale=alt.Scale(zero=False)),
            y=alt.Y("predicted:Q", title=f"predicted {metric}", scale=alt.Scale(zero=False)),
            tooltip=[alt.Tooltip("measured:Q", format=".4f"), alt.Tooltip("predicted:Q", format=".4f")],
        )
    )


def search_chart(searches: Mapping[str, Sequence[float]], metric: str) -> alt.Chart:
    """Return the best prediction after every generation, one line for each constraint."""
    values = [
        {"constraint": name, "generation": number, "best": best}
        for name, history in searches.items()
        for number, best in enumerate(history)
    ]
    return (
        alt.Chart(alt.Data(values=values), title="Search")
        .mark_line()
        .encode(
            x=alt.X("generation:Q"),
            y=alt.Y("best:Q", title=f"best predicted {metric}", scale=alt.Scale(zero=False)),
            color=alt.Color("constraint:N"),
            tooltip=["constraint:N", "generation:Q", alt.Tooltip("best:Q", format=".4f")],
        )
    )
