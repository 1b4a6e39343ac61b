"""Plan sparsity: the densities per layer that random pruning would use, without training."""

from __future__ import annotations

from typing import Any

from palmette.types import InputType, PlannedLayer, SparsityPlan
from palmette.wire.models import plan_from
from palmette.wire.scalars import struct_of
from palmette_gateway.dashboard.access.caller import Caller
from palmette_gateway.dashboard.asking.answer import Answer, Chart, Column, Table, Tile
from palmette_gateway.dashboard.asking.panel import PATIENCE_S, Panel, Reference, Values
from palmette_gateway.dashboard.calls.unary import ask
from palmette_gateway.dashboard.forms.fields import Field, FieldKind
from palmette_gateway.dashboard.ports import SuiteApi
from palmette_gateway.dashboard.presentation.commands import models_command
from palmette_gateway.dashboard.presentation.formatting import number
from palmette_protos.pruning_growth.v1.pruning_growth_pb2 import PlanSparsityRequest
from palmette_protos.pruning_growth.v1.pruning_growth_pb2_grpc import PruningGrowthServiceStub

_SERVICE = "pruning_growth"
_METHOD = "random-pruning"
_COLUMNS = (
    Column("Layer"),
    Column("Density", numeric=True),
    Column("Kept", numeric=True),
    Column("Removed", numeric=True),
    Column("Weights", numeric=True),
)


async def _answer(suite: SuiteApi, caller: Caller, values: Values) -> Answer:
    plain = {name: value for name, value in values.items() if name != "config"}
    config = struct_of(values.get("config", {}), "config")
    request = PlanSparsityRequest(plugin=_METHOD, config=config, **plain)
    stub = PruningGrowthServiceStub(suite.channel(_SERVICE))
    plan = plan_from(await ask(stub.PlanSparsity, request, _SERVICE, caller, PATIENCE_S))
    chart = Chart(
        "Densities",
        density_chart(plan),
        "Share of the weights that is kept, of each layer and of all of them together.",
    )
    return Answer(_tiles(plan), (chart, Table("Layers", _COLUMNS, tuple(_row(layer) for layer in plan.layers))))


def _tiles(plan: SparsityPlan) -> tuple[Tile, ...]:
    return (
        Tile("density", number(plan.density)),
        Tile("weights kept", number(plan.kept)),
        Tile("of prunable weights", number(plan.maskable)),
        Tile("layers", number(len(plan.layers))),
    )


def _row(layer: PlannedLayer) -> tuple[str, ...]:
    removed = layer.weights - layer.kept
    return layer.name, number(layer.density), number(layer.kept), number(removed), number(layer.weights)


def density_chart(plan: SparsityPlan) -> dict[str, Any]:
    """Return a bar for each layer and a line at the density of the whole, as Vega-Lite."""
    rows = [
        {"layer": layer.name, "density": layer.density, "kept": layer.kept, "weights": layer.weights}
        for layer in plan.layers
    ]
    together = "all of them together"
    colour = {"scale": {"domain": ["a layer", together]}, "legend": {"orient": "top", "title": None}}
    across = {"type": "quantitative", "title": "density", "axis": {"tickCount": 5}}
    tooltip = [
        {"field": "layer", "type": "nominal"},
        {"field": "density", "type": "quantitative", "format": ".4f"},
        {"field": "kept", "type": "quantitative", "format": ",d"},
        {"field": "weights", "type": "quantitative", "format": ",d"},
    ]
    bars = {
        "data": {"values": rows},
        "mark": {"type": "bar", "cornerRadiusEnd": 2},
        "encoding": {
            "y": {"field": "layer", "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": 150}},
            "x": {"field": "density", **across},
            "color": {"datum": "a layer", **colour},
            "tooltip": tooltip,
        },
    }
    rule = {
        "data": {"values": [{"density": plan.density}]},
        "mark": {"type": "rule", "strokeWidth": 2},
        "encoding": {"x": {"field": "density", **across}, "color": {"datum": together, **colour}},
    }
    return {"layer": [bars, rule], "height": {"step": 18}}


def _command(values: Values) -> str:
    if "seed" in values:
        return ""  # the command line has no such option
    config = values.get("config", {})
    options = {name: config.get(name) for name in ("density", "ratio")} | {"data": values.get("data")}
    return models_command("plan", [values.get("model", "")], options)


PANEL = Panel(
    id="plan",
    title="Plan sparsity",
    lead="How random pruning would share a density among the layers of a model, without training anything.",
    rank=20,
    service=_SERVICE,
    request=PlanSparsityRequest,
    answer=_answer,
    command=_command,
    references=(
        Reference("model", InputType.MODEL, "what would be pruned"),
        Reference("data", InputType.DATASET, "needed by the rules that look at gradients", required=False),
    ),
    fields=(Field("seed", FieldKind.INTEGER, "of the draws of the rules that look at gradients", default=0),),
    method=_METHOD,
    settings=("density", "ratio"),
    icon="half",
)
