"""`palmette models`: quick answers about models, without a job."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.markup import escape

from palmette.cli.connecting import suite
from palmette.cli.output import Json, show, table
from palmette.types import ModelInspection, RepresentationComparison, SparsityPlan

app = typer.Typer(help="Quick answers about models, without a job.", no_args_is_help=True)

_Model = Annotated[str, typer.Argument(help="A model reference, such as zoo:resnet20 or artifact:ID.")]


@app.command("inspect")
def inspect(
    model: _Model,
    data: Annotated[str, typer.Option(help="A dataset that fixes the input's shape.")] = "",
    json: Json = False,
) -> None:
    """List a model's layers with shapes, parameters, multiply-adds and densities."""
    with suite() as client:
        found = client.inspect_model(model, data=data)
    show(found, json, lambda: _layers(found))


def _layers(found: ModelInspection) -> RenderableType:
    rows = [
        (
            escape(layer.name),
            layer.type,
            "x".join(map(str, layer.weight_shape)) or "-",
            "x".join(map(str, layer.output_shape)) or "-",
            f"{layer.parameters:,}",
            f"{layer.macs:,}",
            f"{layer.density:.3f}",
        )
        for layer in found.layers
    ]
    total = f"{found.parameters:,} parameters, {found.nonzeros:,} not zero; {found.macs:,} multiply-adds for one input"
    headings = ["LAYER", "TYPE", "WEIGHT", "OUTPUT", ">PARAMETERS", ">MULTIPLY-ADDS", ">DENSITY"]
    return Group(
        table(headings, rows, empty="no layers"), f"\n{total} of shape {'x'.join(map(str, found.input_shape))}"
    )


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
    show(found, json, lambda: _plan(found))


def _plan(found: SparsityPlan) -> RenderableType:
    rows = [
        (escape(layer.name), f"{layer.density:.4f}", f"{layer.kept:,}", f"{layer.weights:,}") for layer in found.layers
    ]
    total = f"{found.kept:,} of {found.maskable:,} weights kept, density {found.density:.4f}"
    return Group(table(["LAYER", ">DENSITY", ">KEPT", ">WEIGHTS"], rows, empty="no layers"), f"\n{total}")


@app.command("compare")
def compare(
    first: _Model,
    second: Annotated[str, typer.Argument(help="Another one; the same shows which of its layers are alike.")],
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
    show(found, json, lambda: _likest(found, distance))


def _likest(found: RepresentationComparison, distance: str) -> RenderableType:
    """Return each layer of the first model with its nearest of the second: a whole matrix fits no terminal."""
    rows = []
    for layer, similarities in zip(found.first_layers, found.similarities, strict=True):
        best = max(range(len(similarities)), key=similarities.__getitem__)
        bar = "#" * round(20 * max(similarities[best], 0.0))
        rows.append((escape(layer), escape(found.second_layers[best]), f"{similarities[best]:.3f}", bar))
    note = f"\n{distance} on {found.examples} examples; --json has the whole matrix and a figure"
    return Group(
        table(["LAYER OF THE FIRST", "MOST LIKE OF THE SECOND", ">SIMILARITY", ""], rows, empty="no layers"), note
    )
