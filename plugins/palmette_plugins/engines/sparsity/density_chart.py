"""A picture of a sparsity plan."""

from __future__ import annotations

import altair as alt

from palmette_plugins.engines.sparsity.plan import SparsityPlan


def density_chart(plan: SparsityPlan) -> alt.Chart:
    """Return a bar per layer, in order, as long as its density."""
    rows = [
        {"layer": layer.name, "density": layer.kept / layer.weights, "kept": layer.kept, "weights": layer.weights}
        for layer in plan.layers
    ]
    title = f"Density per layer ({plan.kept:,} of {plan.maskable:,} weights kept)"
    return (
        alt.Chart(alt.Data(values=rows), title=title)
        .mark_bar()
        .encode(
            x=alt.X("density:Q", title="share of weights kept", scale=alt.Scale(domain=[0, 1])),
            y=alt.Y("layer:N", title=None, sort=None),
            tooltip=["layer:N", alt.Tooltip("density:Q", format=".4f"), "kept:Q", "weights:Q"],
        )
    )
