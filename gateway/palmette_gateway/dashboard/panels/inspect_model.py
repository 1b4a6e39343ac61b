"""Inspect: a model's layers with shapes, parameters, multiply-adds and densities."""

from __future__ import annotations

from palmette.types import InputType, LayerInfo, ModelInspection
from palmette.wire.models import inspection_from
from palmette_gateway.dashboard.access.caller import Caller
from palmette_gateway.dashboard.asking.answer import Answer, Column, Table, Tile
from palmette_gateway.dashboard.asking.panel import PATIENCE_S, Panel, Reference, Values
from palmette_gateway.dashboard.calls.unary import ask
from palmette_gateway.dashboard.ports import SuiteApi
from palmette_gateway.dashboard.presentation.commands import models_command
from palmette_gateway.dashboard.presentation.formatting import number, percent, shape
from palmette_protos.pruning_growth.v1.pruning_growth_pb2 import InspectModelRequest
from palmette_protos.pruning_growth.v1.pruning_growth_pb2_grpc import PruningGrowthServiceStub

_SERVICE = "pruning_growth"
_COLUMNS = (
    Column("Layer"),
    Column("Type"),
    Column("Weight"),
    Column("Output"),
    Column("Parameters", numeric=True),
    Column("Not zero", numeric=True),
    Column("Multiply-adds", numeric=True),
    Column("Density", numeric=True),
)


async def _answer(suite: SuiteApi, caller: Caller, values: Values) -> Answer:
    stub = PruningGrowthServiceStub(suite.channel(_SERVICE))
    response = await ask(stub.InspectModel, InspectModelRequest(**values), _SERVICE, caller, PATIENCE_S)
    found = inspection_from(response)
    table = Table(
        "Layers",
        _COLUMNS,
        tuple(_row(layer) for layer in found.layers),
        "Shapes are without the batch, multiply-adds for one input. The density of a layer that may be pruned is the "
        "share of its weights that is kept.",
    )
    return Answer(_tiles(found), (table,))


def _tiles(found: ModelInspection) -> tuple[Tile, ...]:
    nonzero = found.nonzeros / found.parameters if found.parameters else 1.0
    return (
        Tile("layers", number(len(found.layers))),
        Tile("input", shape(found.input_shape)),
        Tile("parameters", number(found.parameters)),
        Tile("not zero", f"{number(found.nonzeros)} ({percent(nonzero)})"),
        Tile("multiply-adds", number(found.macs)),
        Tile("multiply-adds without zeros", number(found.effective_macs)),
    )


def _row(layer: LayerInfo) -> tuple[str, ...]:
    return (
        layer.name,
        layer.type,
        shape(layer.weight_shape),
        shape(layer.output_shape),
        number(layer.parameters),
        number(layer.nonzeros),
        number(layer.macs),
        number(layer.density) if layer.maskable or layer.density < 1 else "",
    )


def _command(values: Values) -> str:
    return models_command("inspect", [values.get("model", "")], {"data": values.get("data")})


PANEL = Panel(
    id="inspect",
    title="Inspect",
    lead="The layers of a model in order of execution, with shapes, parameters, multiply-adds and densities.",
    rank=10,
    service=_SERVICE,
    request=InspectModelRequest,
    answer=_answer,
    command=_command,
    references=(
        Reference("model", InputType.MODEL, "what to look at"),
        Reference("data", InputType.DATASET, "fixes the input's shape and the classes", required=False),
    ),
    link="Inspect",
)
