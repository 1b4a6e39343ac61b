"""The held-out images, as the models take them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from palmette.errors import FailedPrecondition
from palmette.tensors import Array


def held_out(reference: str) -> tuple[Array, Array]:
    """Return inputs and classes of a dataset's test split.

    The SDK knows no datasets: the plugins' own command writes the arrays.

    Raises:
        FailedPrecondition: It could not; the message says why and how to get the data.
    """
    with TemporaryDirectory(prefix="palmette-demo-") as folder:
        file = Path(folder) / "test.npz"
        command = [sys.executable, "-m", "palmette_plugins.datasets", reference, str(file), "--split", "test"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise FailedPrecondition(f"cannot read {reference}: {done.stderr.strip()}")
        with np.load(file, allow_pickle=False) as arrays:
            return arrays["image"], arrays["target"]
