"""A picture of growth: quality over the training work spent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class CurvePoint:
    """One epoch: the phase, training FLOPs spent in the whole job so far, and the quality on the validation split."""

    phase: str
    flops: float
    quality: float


def growth_chart(points: Sequence[CurvePoint], metric: str) -> Any:
    """Return a chart of `metric` over training FLOPs, a line for each phase."""
    import altair as alt

    rows = [{"phase": p.phase, "teraflops": p.flops / 1e12, "quality": p.quality} for p in points]
    return (
        alt.Chart(alt.Data(values=rows))
        .mark_line(point=True)
        .encode(
            x=alt.X("teraflops:Q", title="training work in TFLOP"),
            y=alt.Y("quality:Q", title=f"validation {metric}", scale=alt.Scale(zero=False)),
            color=alt.Color("phase:N", sort=list(dict.fromkeys(p.phase for p in points))),
            tooltip=["phase:N", alt.Tooltip("teraflops:Q", format=".4f"), alt.Tooltip("quality:Q", format=".4f")],
        )
        .properties(title="Two members, then the grown network")
    )
