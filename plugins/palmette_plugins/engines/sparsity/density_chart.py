"""A picture of a sparsity plan."""

from __future__ import annotations

from collections.abc import Mapping

import altair as alt
from torch import Tensor

from palmette_plugins.engines.sparsity.plan import SparsityPlan


def density_chart(plan: SparsityPlan, masks: Mapping[str, Tensor]) -> alt.Chart:
    """Return a bar per layer, in order, as long as the share of its weights that the drawn mask keeps."""
    kept = {layer.name: int(masks[layer.name].sum()) for layer in plan.layers}
    rows = [
        {
            "layer": layer.name,
            "density": kept[layer.name] / layer.weights,
            "kept": kept[layer.name],
            "weights": layer.weights,
        }
        for layer in plan.layers
    ]
    title = f"Density per layer ({sum(kept.values()):,} of {plan.maskable:,} weights kept)"
    return (
        alt.Chart(alt.Data(values=rows), title=title)
        .mark_bar()
        .encode(
            x=alt.X("density:Q", title="share of weights kept", scale=alt.Scale(domain=[0, 1])),
            y=alt.Y("layer:N", title=None, sort=None),
            tooltip=["layer:N", alt.Tooltip("density:Q", format=".4f"), "kept:Q", "weights:Q"],
        )
    )
