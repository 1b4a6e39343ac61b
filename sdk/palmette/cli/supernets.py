"""`palmette models specialize` and `estimate`: sub-networks of a supernet, without training."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.markup import escape

from palmette.cli.connecting import suite
from palmette.cli.formatting import count_text
from palmette.cli.output import Json, show, table
from palmette.types import ArchitectureEstimate, Specialisation, Subnetwork

_Supernet = Annotated[str, typer.Argument(help="A supernet: artifact:ID, or a space such as zoo:mbv3-supernet.")]
_Data = Annotated[str, typer.Option(help="A dataset; what the supernet was trained on when left out.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("specialize")(specialize)
    app.command("estimate")(estimate)


def specialize(
    supernet: _Supernet,
    macs: Annotated[float, typer.Option(help="Most multiply-adds for one image; 0 is no limit.")] = 0.0,
    parameters: Annotated[float, typer.Option(help="Most parameters; 0 is no limit.")] = 0.0,
    latency_ms: Annotated[float, typer.Option(help="Most milliseconds for one image; 0 is no limit.")] = 0.0,
    data: _Data = "",
    seed: Annotated[int, typer.Option(help="Seed of the search.")] = 0,
    json: Json = False,
) -> None:
    """Cut the best sub-network under limits out of a trained supernet, and save it as a model."""
    with suite() as client:
        found = client.specialize(
            supernet, macs=macs, parameters=parameters, latency_ms=latency_ms, data=data, seed=seed
        )
    show(found, json, lambda: specialisation_page(found))


def specialisation_page(found: Specialisation) -> RenderableType:
    """Return what was cut and what it measured."""
    measured = f"accuracy {found.accuracy:.4f} (expected {found.predicted_accuracy:.4f}), {found.latency_ms:.2f} ms"
    costs = f"{count_text(found.parameters)} parameters, {count_text(found.macs)} multiply-adds"
    return Group(_blocks(found.choice), f"\n{costs}\n{measured}\n{escape(found.artifact)} in {found.seconds:.1f} s")


def estimate(
    supernet: _Supernet,
    depth: Annotated[list[int] | None, typer.Option(help="Blocks of each stage; one for all.")] = None,
    expand: Annotated[list[int] | None, typer.Option(help="Expand ratio of each block; one for all.")] = None,
    kernel: Annotated[list[int] | None, typer.Option(help="Kernel size of each block; one for all.")] = None,
    resolution: Annotated[int, typer.Option(help="Side of the images; the largest when 0.")] = 0,
    data: _Data = "",
    latency: Annotated[bool, typer.Option("--latency", help="Measure the time for one image.")] = False,
    json: Json = False,
) -> None:
    """Tell what a sub-network costs; the largest when nothing is said."""
    with suite() as client:
        found = client.estimate_architecture(
            supernet,
            depths=depth or (),
            expands=expand or (),
            kernels=kernel or (),
            resolution=resolution,
            data=data,
            measure_latency=latency,
        )
    show(found, json, lambda: estimate_page(found))


def estimate_page(found: ArchitectureEstimate) -> RenderableType:
    """Return a sub-network and its costs."""
    lines = [f"{count_text(found.parameters)} parameters, {count_text(found.macs)} multiply-adds for one image"]
    if found.latency_ms is not None:
        lines.append(f"{found.latency_ms:.2f} ms for one image")
    if found.predicted_accuracy is not None:
        lines.append(f"expected accuracy {found.predicted_accuracy:.4f}")
    return Group(_blocks(found.choice), "", *lines, f"[dim]{escape(found.model)}[/]")


def _blocks(choice: Subnetwork) -> RenderableType:
    rows, first = [], 0
    for stage, depth in enumerate(choice.depths, 1):
        end = first + depth
        expands, kernels = choice.expands[first:end], choice.kernels[first:end]
        rows.append((stage, depth, " ".join(map(str, expands)), " ".join(f"{k}x{k}" for k in kernels)))
        first = end
    heading = f"images of {choice.resolution} x {choice.resolution}\n"
    return Group(heading, table([">STAGE", ">BLOCKS", "EXPAND", "KERNELS"], rows, empty="no stages"))
