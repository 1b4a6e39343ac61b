"""A picture of a training run."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt


def training_chart(history: Sequence[dict[str, float]], metric: str, title: str = "Training") -> alt.LayerChart:
    """Return the loss and one validation measurement over the epochs of `TrainingResult.history`.

    Args:
        history: One row per epoch.
        metric: Name of the measurement, such as ``accuracy``; its rows are named ``validation/<metric>``.
        title: What was trained.
    """
    validation = f"validation/{metric}"
    rows = [{"epoch": row["epoch"], "loss": row["train/loss"], "measured": row.get(validation)} for row in history]
    x = alt.X("epoch:Q", title="epoch", axis=alt.Axis(tickMinStep=1))
    base = alt.Chart(alt.Data(values=rows), title=title).encode(x=x)
    loss = base.mark_line(point=True, color="#7a7a7a").encode(
        y=alt.Y("loss:Q", title="training loss", axis=alt.Axis(titleColor="#5f5f5f")),
        tooltip=["epoch:Q", alt.Tooltip("loss:Q", format=".4f")],
    )
    measured = (
        base.transform_filter("isValid(datum.measured)")
        .mark_line(point=True, color="#1f6f43")
        .encode(
            y=alt.Y("measured:Q", title=f"validation {metric}", scale=alt.Scale(zero=False)),
            tooltip=["epoch:Q", alt.Tooltip("measured:Q", format=".4f")],
        )
    )
    return alt.layer(loss, measured).resolve_scale(y="independent")
