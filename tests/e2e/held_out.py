"""Test splits as the models take them."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray


@cache
def split(reference: str) -> dict[str, NDArray[np.generic]]:
    """Return the arrays of a dataset's test split: the model's inputs by name, and ``target``."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "test.npz"
        subprocess.run([sys.executable, "-m", "palmette_plugins.datasets", reference, file], check=True)
        with np.load(file) as arrays:
            return dict(arrays)
