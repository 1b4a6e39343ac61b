"""``python -m palmette_plugins.datasets REFERENCE FILE.npz``: write a split as arrays, as a model takes them.

The file holds the model's inputs by name (``image``, ``tokens``, ...) and, where a batch has them, ``target``.
Whoever tests a served model with a plain client needs the very inputs that it was measured on.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from palmette_plugins.api.errors import PalmetteError
from palmette_plugins.api.resolve import load_dataset
from palmette_plugins.datasets.batches import ordered_batches

_BATCH = 1024


def write_split(reference: str, split: str, file: Path) -> dict[str, tuple[int, ...]]:
    """Write a split of a dataset to `file` and return the shapes by array name.

    Raises:
        InvalidArgument: No such dataset.
    """
    data = load_dataset(reference)
    names = [tensor.name for tensor in data.task.io(data.info).inputs]
    parts: dict[str, list[np.ndarray]] = {}
    for batch in ordered_batches(data[split], _BATCH):
        for name, tensor in zip(names, data.task.inputs(batch), strict=True):
            parts.setdefault(name, []).append(tensor.numpy())
        if isinstance(batch, (tuple, list)) and len(batch) > len(names):
            parts.setdefault("target", []).append(batch[len(names)].numpy())
    arrays = {name: np.concatenate(pieces) for name, pieces in parts.items()}
    np.savez(file, **arrays)
    return {name: array.shape for name, array in arrays.items()}


def main() -> None:
    """Parse the command line and write the file."""
    parser = argparse.ArgumentParser(prog="python -m palmette_plugins.datasets", description=__doc__)
    parser.add_argument("reference", help="such as digits or 'fashion-mnist?limit=10000'")
    parser.add_argument("file", type=Path, help="the .npz file to write")
    parser.add_argument("--split", default="test", choices=("train", "validation", "test"))
    given = parser.parse_args()
    try:
        shapes = write_split(given.reference, given.split, given.file)
    except PalmetteError as error:
        sys.exit(f"palmette_plugins.datasets: {error}")
    print(", ".join(f"{name} {shape}" for name, shape in shapes.items()))


if __name__ == "__main__":
    main()
