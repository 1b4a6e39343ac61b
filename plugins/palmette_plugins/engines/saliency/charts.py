"""A picture of block importance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def importance_chart(steps: Sequence[Mapping[str, float]], removed: Sequence[str]) -> Any:
    """Return a chart of the rank of every block's importance at every step, the removed ones marked.

    Ranks, because the scale of the scores changes with every removal; the scores are in the tooltips.

    Args:
        steps: Block name -> importance, one mapping a step.
        removed: The block removed at each step.
    """
    import altair as alt

    rows = [
        {"step": number, "block": block, "importance": value, "rank": rank, "removed": block == gone}
        for number, (importance, gone) in enumerate(zip(steps, removed, strict=True), start=1)
        for rank, (block, value) in enumerate(sorted(importance.items(), key=lambda item: item[1]), start=1)
    ]
    blocks = list(steps[0]) if steps else []
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X("step:O", title="removal"),
        y=alt.Y("block:N", sort=blocks, title="block"),
        tooltip=["block:N", alt.Tooltip("importance:Q", format=".3e"), "rank:Q", "removed:N"],
    )
    cells = base.mark_rect().encode(color=alt.Color("rank:Q", title="rank of importance"))
    marks = base.transform_filter("datum.removed").mark_text(text="×", fontSize=14, fontWeight="bold")
    return (cells + marks).properties(title="Importance of the blocks that could go")
