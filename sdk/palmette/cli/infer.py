"""`palmette infer`: a file in, an answer out."""

from __future__ import annotations

import json as json_module
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from palmette.cli.connecting import suite
from palmette.cli.output import Json, out, table
from palmette.client import Client
from palmette.errors import InvalidRequest
from palmette.image_input import IMAGE_SUFFIXES, read_image

_TOP = 5


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("infer")(infer)


def infer(
    name: Annotated[str, typer.Argument(help="Name of the deployment.")],
    file: Annotated[Path, typer.Argument(help="An image, .npy, .npz (arrays by input name) or .json.", exists=True)],
    save: Annotated[Path | None, typer.Option("--save", "-o", help="Write the outputs there (.npy or .npz).")] = None,
    json: Json = False,
) -> None:
    """Run a deployed model on the content of a file."""
    with suite() as client:
        inputs = _read(client, name, file)
        outputs = client.infer(name, inputs)
        labels = _labels(client, name)
    by_name = outputs if isinstance(outputs, dict) else {"output": outputs}
    if save:
        np.savez(save, **by_name) if save.suffix == ".npz" or isinstance(outputs, dict) else np.save(save, outputs)
    if json:
        plain = {key: np.asarray(value).tolist() for key, value in by_name.items()}
        print(json_module.dumps({"outputs": plain, "labels": list(labels)}))
        return
    for key, value in by_name.items():
        _print(key, np.asarray(value), labels)


def _read(client: Client, name: str, file: Path) -> Any:
    if file.suffix.lower() in IMAGE_SUFFIXES:
        deployment = client.deployment(name)
        if deployment.serving is None:
            raise InvalidRequest.field("name", f"{deployment.name} does not serve yet ({deployment.state})")
        return read_image(file, client.artifacts.get(deployment.serving.artifact).spec)
    try:
        if file.suffix == ".npy":
            return np.load(file, allow_pickle=False)
        if file.suffix == ".npz":
            with np.load(file, allow_pickle=False) as arrays:
                return dict(arrays)
        if file.suffix != ".json":
            raise ValueError("it is neither an image nor .npy, .npz or .json")
        content = json_module.loads(file.read_text())
    except (ValueError, EOFError) as error:
        raise InvalidRequest.field("file", f"{file} cannot be read: {error}") from None
    if isinstance(content, Mapping):
        return {key: np.asarray(value) for key, value in content.items()}
    return np.asarray(content)


def _labels(client: Client, name: str) -> tuple[str, ...]:
    serving = client.deployment(name).serving
    return serving.labels if serving else ()


def _print(name: str, value: np.ndarray[Any, Any], labels: tuple[str, ...]) -> None:
    rows = value if value.ndim == 2 else value[np.newaxis]
    if not labels or rows.ndim != 2 or rows.shape[1] != len(labels):
        out.print(f"{name} {value.shape} {value.dtype}\n{value}")
        return
    for number, logits in enumerate(rows, start=1):
        if len(rows) > 1:
            out.print(f"[dim]example {number}[/]")
        shares = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
        best = np.argsort(-shares)[:_TOP]
        out.print(table(["CLASS", ">SHARE"], [(labels[i], f"{shares[i]:.1%}") for i in best], empty=""))
