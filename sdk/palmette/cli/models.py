"""`palmette models`: quick answers about models, without a job."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.markup import escape

from palmette.cli import supernets
from palmette.cli.connecting import suite
from palmette.cli.formatting import count_text, short_count_text
from palmette.cli.output import Json, show, table
from palmette.types import ModelInspection, RepresentationComparison, SparsityPlan

app = typer.Typer(help="Quick answers about models, without a job.", no_args_is_help=True)
supernets.add_to(app)

_BAR = 10  # characters of a similarity of 1

_Model = Annotated[str, typer.Argument(help="A model reference, such as zoo:resnet20 or artifact:ID.")]


@app.command("inspect")
def inspect(
    model: _Model,
    data: Annotated[str, typer.Option(help="A dataset that fixes the input's shape.")] = "",
    json: Json = False,
) -> None:
    """List a model's layers with shapes, parameters, multiply-adds (MACs) and densities."""
    with suite() as client:
        found = client.inspect_model(model, data=data)
    show(found, json, lambda: layer_table(found))


def layer_table(found: ModelInspection) -> RenderableType:
    """Return a row for each layer, short enough for 80 columns with the names of a ResNet, and the exact totals."""
    rows = [
        (
            escape(layer.name),
            layer.type,
            _shape(layer.weight_shape),
            _shape(layer.output_shape),
            count_text(layer.parameters),
            short_count_text(layer.macs),
            f"{layer.density:.3f}",
        )
        for layer in found.layers
    ]
    headings = ["LAYER", "TYPE", "WEIGHT", "OUTPUT", ">PARAMS", ">MACS", ">DENSITY"]
    nonzeros = _unless_same(found.nonzeros, found.parameters, "{} not zero")
    effective = _unless_same(found.effective_macs, found.macs, "{} without those by zero")
    return Group(
        table(headings, rows, empty="no layers", wrap=["LAYER"]),
        f"\n{count_text(found.parameters)} parameters{nonzeros}",
        f"{count_text(found.macs)} multiply-adds (MACs) for one input of shape {_shape(found.input_shape)}{effective}",
    )


def _shape(sizes: Sequence[int]) -> str:
    return "x".join(map(str, sizes)) or "-"


def _unless_same(count: int, whole: int, text: str) -> str:
    return "" if count == whole else f", {text.format(count_text(count))}"


@app.command("plan")
def plan(
    model: _Model,
    density: Annotated[float, typer.Option(help="Share of all maskable weights that is kept.")] = 0.1,
    ratio: Annotated[str, typer.Option(help="Rule that shares it among the layers: erk, er, uniform, ...")] = "erk",
    data: Annotated[str, typer.Option(help="A dataset; needed by rules that look at gradients.")] = "",
    json: Json = False,
) -> None:
    """Show the densities per layer that random pruning would use, without training."""
    with suite() as client:
        found = client.plan_sparsity(model, data=data, density=density, ratio=ratio)
    show(found, json, lambda: plan_table(found))


def plan_table(found: SparsityPlan) -> RenderableType:
    """Return a row for each maskable layer, and the totals."""
    rows = [
        (escape(layer.name), f"{layer.density:.4f}", count_text(layer.kept), count_text(layer.weights))
        for layer in found.layers
    ]
    total = f"{count_text(found.kept)} of {count_text(found.maskable)} weights kept, density {found.density:.4g}"
    headings = ["LAYER", ">DENSITY", ">KEPT", ">WEIGHTS"]
    return Group(table(headings, rows, empty="no layers", wrap=["LAYER"]), f"\n{total}")


@app.command("compare")
def compare(
    first: _Model,
    second: Annotated[str, typer.Argument(help="Another one, or the same to see which of its layers are alike.")],
    data: Annotated[str, typer.Option(help="The dataset to compare them on.")],
    split: Annotated[str, typer.Option(help="train, validation or test.")] = "validation",
    examples: Annotated[int, typer.Option(help="How many examples, from 2 to 2048.")] = 256,
    distance: Annotated[str, typer.Option(help="cka or rsa.")] = "cka",
    seed: Annotated[int, typer.Option(help="Draws the weights of untrained models.")] = 0,
    json: Json = False,
) -> None:
    """Show how alike the layers of two models are."""
    with suite() as client:
        found = client.compare_representations(
            first, second, data=data, split=split, examples=examples, distance=distance, seed=seed
        )
    show(found, json, lambda: likeness_table(found, distance))


def likeness_table(found: RepresentationComparison, distance: str) -> RenderableType:
    """Return each layer of the first model with its nearest of the second: a whole matrix fits no terminal."""
    rows = []
    for layer, similarities in zip(found.first_layers, found.similarities, strict=True):
        best = max(range(len(similarities)), key=similarities.__getitem__)
        bar = "#" * round(_BAR * max(similarities[best], 0.0))
        rows.append((escape(layer), escape(found.second_layers[best]), f"{similarities[best]:.3f}", bar))
    headings = ["LAYER OF THE FIRST", "MOST LIKE IT", ">SIMILARITY", ""]
    return Group(
        table(headings, rows, empty="no layers", wrap=headings[:2]),
        f"\n{distance} on {count_text(found.examples)} examples; --json prints the similarity of every pair",
    )
