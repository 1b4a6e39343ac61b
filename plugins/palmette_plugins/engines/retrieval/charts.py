"""Pictures of a comparison of retrievers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import altair as alt

from palmette_plugins.datasets.collections.judgements import Judgements
from palmette_plugins.engines.retrieval.run import RankedRun

DEPTHS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
_MOST_POINTS = 2000


def radar(gains: Mapping[str, Mapping[str, float]], baseline: str, measure: str) -> alt.LayerChart:
    """Return a radar chart: one spoke a set, radius = gain over the baseline; the dashed ring is no gain.

    Args:
        gains: Per model, per set, in points of the measure (0 to 1).
        baseline: Name of the model that gains are over.
        measure: Name of the measure.
    """
    names = list(dict.fromkeys(name for values in gains.values() for name in values))
    everything = [value for values in gains.values() for value in values.values()]
    centre = min(0.0, *everything) - 0.1 * max(0.01, max(everything) - min(everything))

    def place(number: int, value: float) -> dict[str, float]:
        angle = 2 * math.pi * number / len(names)
        return {"x": (value - centre) * math.sin(angle), "y": (value - centre) * math.cos(angle)}

    rim = max(0.0, *everything)
    lines = [
        {"model": model, "set": names[at % len(names)], "gain": values[names[at % len(names)]], "order": at}
        | place(at, values[names[at % len(names)]])
        for model, values in gains.items()
        for at in range(len(names) + 1)
    ]
    ring = [{"order": step} | _on_ring(step / 72, -centre) for step in range(73)]
    spokes = [
        {"set": name, "order": end} | place(at, (centre, rim)[end]) for at, name in enumerate(names) for end in (0, 1)
    ]
    labels = [{"set": name} | place(at, rim + 0.08 * (rim - centre)) for at, name in enumerate(names)]
    reach = 1.2 * (rim - centre)
    scale = alt.Scale(domain=[-reach, reach], nice=False)  # the same both ways: the ring is round
    x, y = alt.X("x:Q", axis=None, scale=scale), alt.Y("y:Q", axis=None, scale=scale)
    tips = ["model:N", "set:N", alt.Tooltip("gain:Q", format="+.3f")]
    colour = alt.Color("model:N", title="model")
    return alt.layer(
        alt.Chart(alt.Data(values=spokes)).mark_line(color="#bbb", strokeWidth=1).encode(x, y, detail="set:N"),
        alt.Chart(alt.Data(values=ring)).mark_line(color="#888", strokeDash=[4, 3]).encode(x, y, order="order:O"),
        alt.Chart(alt.Data(values=labels)).mark_text().encode(x, y, text="set:N"),
        alt.Chart(alt.Data(values=lines))
        .mark_line(point=True)
        .encode(x, y, color=colour, order="order:O", tooltip=tips),
    ).properties(width=360, height=360, title=f"{measure}: gain over {baseline}", view=alt.ViewConfig(stroke=None))


def query_scatter(
    baseline: Mapping[str, float], values: Mapping[str, float], titles: tuple[str, str], measure: str
) -> alt.LayerChart:
    """Return one point for each query: the baseline's figure across, another model's up; at most 2,000 points."""
    step = max(1, len(baseline) // _MOST_POINTS)
    rows = [{"query": query, "x": baseline[query], "y": values[query]} for query in list(baseline)[::step]]
    scale = alt.Scale(domain=[0, 1])
    points = (
        alt.Chart(alt.Data(values=rows))
        .mark_circle(opacity=0.5)
        .encode(
            alt.X("x:Q", title=f"{titles[0]}, {measure}", scale=scale),
            alt.Y("y:Q", title=f"{titles[1]}, {measure}", scale=scale),
            tooltip=["query:N", alt.Tooltip("x:Q", format=".3f"), alt.Tooltip("y:Q", format=".3f")],
        )
    )
    equal = alt.Chart(alt.Data(values=[{"x": 0, "y": 0}, {"x": 1, "y": 1}])).mark_line(color="#888", strokeDash=[4, 3])
    return alt.layer(equal.encode(x="x:Q", y="y:Q"), points).properties(title="Query by query")


def recall_curves(curves: Mapping[str, Mapping[int, float]]) -> alt.Chart:
    """Return recall against depth, a curve for each model."""
    rows = [
        {"model": model, "depth": depth, "recall": recall}
        for model, curve in curves.items()
        for depth, recall in curve.items()
    ]
    return (
        alt.Chart(alt.Data(values=rows), title="Recall by depth, mean over sets")
        .mark_line(point=True)
        .encode(
            x=alt.X("depth:Q", scale=alt.Scale(type="log"), title="hits"),
            y=alt.Y("recall:Q", scale=alt.Scale(domain=[0, 1]), title="recall"),
            color=alt.Color("model:N", title="model"),
            tooltip=["model:N", "depth:Q", alt.Tooltip("recall:Q", format=".3f")],
        )
    )


def recall_by_depth(run: RankedRun, judgements: Judgements, depths: Sequence[int] = DEPTHS) -> dict[int, float]:
    """Return the mean recall at each depth over the judged queries."""
    totals = dict.fromkeys(depths, 0.0)
    for query, grades in judgements.items():
        relevant = {passage for passage, grade in grades.items() if grade > 0}
        if query in run and relevant:
            places = [place for place, name in enumerate(run[query].ids) if name in relevant]
            for depth in depths:
                totals[depth] += sum(place < depth for place in places) / len(relevant)
    return {depth: total / len(judgements) for depth, total in totals.items()}


def _on_ring(turn: float, radius: float) -> dict[str, float]:
    return {"x": radius * math.sin(2 * math.pi * turn), "y": radius * math.cos(2 * math.pi * turn)}
