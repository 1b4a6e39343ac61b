"""Compare: how alike what the layers of two models have learned is, on examples of a dataset."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from palmette.types import InputType, RepresentationComparison
from palmette.wire.models import comparison_from
from palmette_gateway.dashboard.access.caller import Caller
from palmette_gateway.dashboard.asking.answer import Answer, Chart, Column, Table, Tile
from palmette_gateway.dashboard.asking.panel import PATIENCE_S, Panel, Reference, Values
from palmette_gateway.dashboard.calls.unary import ask
from palmette_gateway.dashboard.forms.fields import Field, FieldKind
from palmette_gateway.dashboard.ports import SuiteApi
from palmette_gateway.dashboard.presentation.commands import models_command
from palmette_gateway.dashboard.presentation.formatting import number, short
from palmette_protos.guided_training.v1.guided_training_pb2 import CompareRepresentationsRequest
from palmette_protos.guided_training.v1.guided_training_pb2_grpc import GuidedTrainingServiceStub

_SERVICE = "guided_training"
_OPTIONS = ("data", "split", "examples", "distance", "seed")


async def _answer(suite: SuiteApi, caller: Caller, values: Values) -> Answer:
    stub = GuidedTrainingServiceStub(suite.channel(_SERVICE))
    request = CompareRepresentationsRequest(**values)
    found = comparison_from(await ask(stub.CompareRepresentations, request, _SERVICE, caller, PATIENCE_S))
    itself = values["first"] == values["second"]
    names = _name(values["first"]), "itself" if itself else _name(values["second"])
    chart = Chart("Similarities", titled(found.figure, names), "Brighter is more alike; 1 is the same.", wide=True)
    there = nearest(found.similarities, itself)
    tables = [_table(names, found.first_layers, found.second_layers, there)]
    if not itself:
        back = nearest(list(zip(*found.similarities, strict=True)), itself)
        tables.append(_table(names[::-1], found.second_layers, found.first_layers, back))
    return Answer(_tiles(found), (chart, *tables))


def nearest(similarities: Sequence[Sequence[float]], itself: bool) -> list[tuple[int, float]]:
    """Return the most similar column of each row, with its similarity.

    Args:
        similarities: A row for each layer; what cannot be compared is not a number, and never the nearest.
        itself: Rows and columns are the same layers of the same network: the nearest other one is meant.
    """
    found = []
    for row, own in enumerate(similarities):
        others = [
            (value, column) for column, value in enumerate(own) if not (itself and column == row and len(own) > 1)
        ]
        value, best = max(others, key=lambda pair: -math.inf if math.isnan(pair[0]) else pair[0])
        found.append((best, value))
    return found


def titled(figure: Mapping[str, Any], names: tuple[str, str]) -> dict[str, Any]:
    """Return the service's map with short names at its axes, and without the title that stands above it here."""
    encoding = {channel: dict(value) for channel, value in figure.get("encoding", {}).items() if channel in ("x", "y")}
    for channel, name in zip(("y", "x"), names, strict=True):
        if channel in encoding:
            encoding[channel]["title"] = name
    shown = {key: value for key, value in figure.items() if key != "title"}
    return {**shown, "encoding": {**figure.get("encoding", {}), **encoding}}


def _name(reference: str) -> str:
    return f"artifact:{short(reference)}" if reference.startswith("artifact:") else reference


def _tiles(found: RepresentationComparison) -> tuple[Tile, ...]:
    return (
        Tile("examples", number(found.examples)),
        Tile("layers of the first", number(len(found.first_layers))),
        Tile("layers of the second", number(len(found.second_layers))),
    )


def _table(
    names: tuple[str, str], own: Sequence[str], others: Sequence[str], found: Sequence[tuple[int, float]]
) -> Table:
    columns = (Column("Layer"), Column("Nearest"), Column("Similarity", numeric=True))
    rows = tuple(
        (layer, others[index], number(round(value, 4))) for layer, (index, value) in zip(own, found, strict=True)
    )
    other = "other layer of the same network" if "itself" in names else f"layer of {names[1]}"
    return Table(f"Layers of {names[0]}", columns, rows, f"Each with the nearest {other}.")


def _command(values: Values) -> str:
    models = [values.get("first", ""), values.get("second", "")]
    return models_command("compare", models, {name: values.get(name) for name in _OPTIONS})


PANEL = Panel(
    id="compare",
    title="Compare representations",
    lead="How alike the layers of two models are: how they arrange the same examples, whatever their widths.",
    rank=30,
    service=_SERVICE,
    request=CompareRepresentationsRequest,
    answer=_answer,
    command=_command,
    references=(
        Reference("first", InputType.MODEL, "a model; an untrained one starts from weights drawn from the seed"),
        Reference("second", InputType.MODEL, "another one; the same shows which of its layers are alike"),
        Reference("data", InputType.DATASET, "a dataset that both fit"),
    ),
    fields=(
        Field(
            "split",
            FieldKind.CHOICE,
            "where the examples are from",
            default="validation",
            choices=("train", "validation", "test"),
        ),
        Field("examples", FieldKind.INTEGER, "how many are compared; all of a smaller split", "2 to 2048", default=256),
        Field(
            "distance",
            FieldKind.CHOICE,
            "cka: linear centred kernel alignment; rsa: correlation of cosine matrices",
            default="cka",
            choices=("cka", "rsa"),
        ),
        Field("seed", FieldKind.INTEGER, "draws the weights of untrained models", default=0),
    ),
    icon="compare",
    link="Compare with…",
)
