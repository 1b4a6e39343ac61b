"""`palmette deploy`: models on the inference server."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.markup import escape

from palmette.cli.connecting import suite
from palmette.cli.exit_codes import ExitCode
from palmette.cli.formatting import age_text, state_text
from palmette.cli.output import Json, err, json_line, out, show, table
from palmette.types import DeploymentInfo, DeploymentState, DeploymentStats, DeploymentVersion, Runtime, TensorSignature

app = typer.Typer(help="Deployments: models on the inference server.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Name of the deployment.")]


@app.command()
def create(
    name: Name,
    artifact: Annotated[str, typer.Argument(help="artifacts/ID, or at least 8 digits of the id.")],
    runtime: Annotated[
        Runtime, typer.Option(help="What executes it; auto is the artifact's own choice.")
    ] = Runtime.AUTO,
    max_batch_size: Annotated[int, typer.Option(min=0, help="Largest batch; 0 is the service's default.")] = 0,
    max_queue_delay_us: Annotated[int, typer.Option(min=0, help="Longest wait for company, in microseconds.")] = 0,
    instances: Annotated[int, typer.Option(min=0, help="Copies per device; 0 is the service's default.")] = 0,
    atol: Annotated[float, typer.Option(min=0, help="Absolute tolerance of the comparison with PyTorch.")] = 0.0,
    rtol: Annotated[float, typer.Option(min=0, help="Relative tolerance of the comparison with PyTorch.")] = 0.0,
    wait: Annotated[bool, typer.Option(help="Wait until it serves.")] = True,
    json: Json = False,
) -> None:
    """Serve an artifact under a name, or roll an existing deployment to it."""
    with suite() as client:
        deployment = client.deploy(
            name,
            artifact,
            runtime=runtime,
            max_batch_size=max_batch_size,
            max_queue_delay_us=max_queue_delay_us,
            instances=instances,
            atol=atol,
            rtol=rtol,
            wait=False,
        )
        if wait:
            with err.status(f"{deployment.name}: exporting"):
                deployment.wait()
    show(deployment.info, json, lambda: deployment_page(deployment.info))


@app.command("list")
def list_(json: Json = False) -> None:
    """List deployments."""
    with suite() as client:
        deployments = [deployment.info for deployment in client.deployments()]
    columns = ["NAME", "STATE", ">SERVES", "ARTIFACT", "RUNTIME", "SINCE"]
    show(deployments, json, lambda: table(columns, [_row(each) for each in deployments], empty="no deployments"))


def _row(deployment: DeploymentInfo) -> tuple[str, ...]:
    serving = deployment.serving
    return (
        deployment.id,
        state_text(deployment.state),
        str(deployment.serving_version or "-"),
        serving.artifact.id[:12] if serving else "-",
        serving.runtime if serving else "-",
        age_text(serving.ready_time if serving else deployment.create_time),
    )


@app.command("show")
def show_(name: Name, json: Json = False) -> None:
    """Show a deployment and its versions."""
    with suite() as client:
        deployment = client.deployment(name).info
    show(deployment, json, lambda: deployment_page(deployment))


@app.command()
def watch(name: Name, json: Json = False) -> None:
    """Follow a deployment until its newest version serves or fails; with --json one state a line."""
    with suite() as client:
        deployment = client.deployment(name)
        for info in deployment.watch():
            json_line(info) if json else out.print(_watch_line(info), soft_wrap=True)
    if deployment.state is DeploymentState.FAILED:
        raise typer.Exit(ExitCode.FAILED)


def _watch_line(deployment: DeploymentInfo) -> str:
    newest = deployment.versions[0] if deployment.versions else None
    which = f" version {newest.version}" if newest else ""
    why = f" {escape(newest.failure.cause)}" if newest and newest.failure else ""
    return f"{datetime.now().astimezone():%H:%M:%S}{which} {state_text(deployment.state)}{why}"


@app.command()
def rollback(
    name: Name,
    version: Annotated[int, typer.Option(min=0, help="Version to serve; 0 is the one before.")] = 0,
    json: Json = False,
) -> None:
    """Serve an older version again."""
    with suite() as client:
        deployment = client.deployment(name).rollback(version).wait()
    show(deployment.info, json, lambda: deployment_page(deployment.info))


@app.command()
def delete(name: Name, json: Json = False) -> None:
    """Drain and unload the model and remove the deployment. The artifact stays."""
    with suite() as client:
        deployment = client.deployment(name)
        deployment.delete()
    show({"deleted": deployment.name}, json, lambda: f"deleted {deployment.name}")


@app.command()
def stats(name: Name, json: Json = False) -> None:
    """Show the inference server's figures."""
    with suite() as client:
        figures = client.deployment(name).stats()
    show(figures, json, lambda: _stats_page(figures))


def deployment_page(deployment: DeploymentInfo) -> RenderableType:
    """Return everything about a deployment."""
    lines: list[RenderableType] = [
        f"[bold]{deployment.name}[/]  {state_text(deployment.state)}  "
        + (f"serves version {deployment.serving_version}" if deployment.serving_version else "does not serve yet")
    ]
    if deployment.serving:
        tensors = [("in", *_tensor(t)) for t in deployment.serving.inputs]
        tensors += [("out", *_tensor(t)) for t in deployment.serving.outputs]
        lines += ["", table(["", "TENSOR", "TYPE", "SHAPE"], tensors, empty="")]
    columns = [">VERSION", "STATE", "ARTIFACT", "RUNTIME", ">DIFFERENCE", "CREATED", ""]
    lines += ["", table(columns, [_version_row(version) for version in deployment.versions], empty="no versions")]
    return Group(*lines)


def _tensor(tensor: TensorSignature) -> tuple[str, str, str]:
    name, datatype, shape = tensor.name, tensor.datatype, tensor.shape
    return name, datatype, " x ".join("any" if size < 0 else str(size) for size in shape)


def _version_row(version: DeploymentVersion) -> tuple[str, ...]:
    difference = f"{version.parity.max_abs_difference:.1e}" if version.parity else "-"
    why = escape(version.failure.cause) if version.failure else ""
    return (
        str(version.version),
        state_text(version.state),
        version.artifact.id[:12],
        version.runtime,
        difference,
        age_text(version.create_time),
        why,
    )


def _stats_page(figures: DeploymentStats) -> RenderableType:
    batch = figures.inference_count / figures.execution_count if figures.execution_count else 0.0
    rows = [
        ("version", str(figures.version)),
        ("inferences", f"{figures.inference_count:,}"),
        ("failures", f"{figures.failure_count:,}"),
        ("mean batch", f"{batch:.2f}"),
        ("requests per second", f"{figures.requests_per_s:.1f}"),
        ("p50 / p99", f"{figures.p50_ms:.2f} / {figures.p99_ms:.2f} ms"),
        ("queue", f"{figures.queue_ms:.2f} ms"),
        ("model", f"{figures.compute_ms:.2f} ms"),
    ]
    return table(["FIGURE", ">VALUE"], rows, empty="")
