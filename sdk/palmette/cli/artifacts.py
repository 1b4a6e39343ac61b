"""`palmette artifacts`: what jobs leave."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.tree import Tree

from palmette.cli.connecting import suite
from palmette.cli.formatting import age_text, metrics_text, size_text
from palmette.cli.output import Json, show, table
from palmette.types import Artifact, GarbageReport, Lineage

app = typer.Typer(help="Artifacts: what jobs leave.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="artifacts/ID, or at least 8 digits of the id.")]
_SHORT = 12


@app.command("list")
def list_(
    filter: Annotated[str, typer.Option(help="Such as 'kind=model AND plugin=pruning_growth/random-pruning'.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="At most this many, newest first.")] = 30,
    json: Json = False,
) -> None:
    """List artifacts, newest first."""
    with suite() as client:
        artifacts = client.artifacts.list(filter, limit=limit)
    columns = ["ID", "KIND", "PLUGIN", ">SIZE", "CREATED", "METRICS"]
    show(artifacts, json, lambda: table(columns, [_row(artifact) for artifact in artifacts], empty="no artifacts"))


def _row(artifact: Artifact) -> tuple[str, ...]:
    return (
        artifact.id[:_SHORT],
        artifact.kind,
        artifact.plugin or "-",
        size_text(artifact.size_bytes),
        age_text(artifact.create_time),
        escape(metrics_text(artifact.metrics)),
    )


@app.command("show")
def show_(name: Name, json: Json = False) -> None:
    """Show one artifact."""
    with suite() as client:
        artifact = client.artifacts.get(name)
    show(artifact, json, lambda: _page(artifact))


def _page(artifact: Artifact) -> RenderableType:
    lines: list[RenderableType] = [
        f"[bold]{artifact.name}[/]  {artifact.kind}  {artifact.task}",
        f"{size_text(artifact.size_bytes)}, made {age_text(artifact.create_time)}",
        f"by {artifact.plugin or 'an upload'} {artifact.plugin_version}",
    ]
    if artifact.job:
        lines.append(f"job: {artifact.job}")
    if artifact.spec:
        lines.append(f"architecture: {escape(str(artifact.spec.get('architecture', '')))}")
    lines += [f"parent: {parent}" for parent in artifact.parents]
    metrics = [(name, f"{value:.6g}") for name, value in sorted(artifact.metrics.items())]
    files = [(file.path, size_text(file.size_bytes), file.sha256[:_SHORT]) for file in artifact.files]
    lines += ["", table(["METRIC", ">VALUE"], metrics, empty="no metrics")]
    lines += ["", table(["FILE", ">SIZE", "SHA-256"], files, empty="no files")]
    return Group(*lines)


@app.command()
def download(
    name: Name,
    folder: Annotated[Path, typer.Argument(help="Where to; made if it is not there.")],
    json: Json = False,
) -> None:
    """Download an artifact, comparing every digest; call it again to go on after an interruption."""
    with suite() as client:
        artifact = client.artifacts.get(name)
        client.artifacts.download(artifact, folder)
    result = {"artifact": artifact.name, "folder": str(folder)}
    show(result, json, lambda: f"{artifact.name} ({size_text(artifact.size_bytes)}) is in {folder}")


@app.command()
def upload(
    folder: Annotated[Path, typer.Argument(help="A downloaded artifact, or any folder together with --kind.")],
    kind: Annotated[str, typer.Option(help="Kind of the artifact to make of a folder without a manifest.")] = "",
    json: Json = False,
) -> None:
    """Upload a folder as an artifact; call it again to go on after an interruption."""
    with suite() as client:
        artifact = client.artifacts.upload(folder, kind=kind or None)
    show(artifact, json, lambda: str(artifact.name))


@app.command()
def lineage(name: Name, json: Json = False) -> None:
    """Show what an artifact was made from and what was made from it."""
    with suite() as client:
        artifact = client.artifacts.get(name)
        graph = client.artifacts.lineage(artifact)
    show(graph, json, lambda: _trees(graph, artifact))


def _trees(graph: Lineage, chosen: Artifact) -> RenderableType:
    by_name = {artifact.name: artifact for artifact in graph.artifacts}
    children = {edge.child for edge in graph.edges}
    roots = [artifact for artifact in graph.artifacts if artifact.name not in children]

    def grow(branch: Tree, artifact: Artifact) -> None:
        for edge in graph.edges:
            if edge.parent == artifact.name and edge.child in by_name:
                child = by_name[edge.child]
                grow(branch.add(_label(child, chosen)), child)

    trees = [Tree(_label(root, chosen)) for root in roots]
    for root, tree in zip(roots, trees, strict=True):
        grow(tree, root)
    return Group(*trees)


def _label(artifact: Artifact, chosen: Artifact) -> str:
    mark = "[bold]" if artifact.name == chosen.name else ""
    end = "[/]" if mark else ""
    return f"{mark}{artifact.id[:_SHORT]}{end} {artifact.kind} [dim]{artifact.plugin or 'upload'}[/]"


@app.command()
def delete(
    name: Name,
    force: Annotated[bool, typer.Option("--force", help="Although others were made from it.")] = False,
    json: Json = False,
) -> None:
    """Delete an artifact. A deployed one is never deleted."""
    with suite() as client:
        artifact = client.artifacts.get(name)
        client.artifacts.delete(artifact, force=force)
    show({"deleted": artifact.name}, json, lambda: f"deleted {artifact.name}")


@app.command()
def gc(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    older_than_days: Annotated[
        int, typer.Option(min=0, help="Also artifacts older than this that nothing keeps; 0 keeps all.")
    ] = 0,
    json: Json = False,
) -> None:
    """Remove what nothing refers to."""
    with suite() as client:
        report = client.artifacts.collect_garbage(dry_run=dry_run, unreferenced_older_than_days=older_than_days)
    show(report, json, lambda: _garbage(report, dry_run))


def _garbage(report: GarbageReport, dry_run: bool) -> str:
    verb = "would remove" if dry_run else "removed"
    return f"{verb} {len(report.artifacts)} artifacts and {report.blob_count} blobs, {size_text(report.freed_bytes)}"
