"""The fingerprint of a dataset: SHA-256 over what its splits hold."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray


def fingerprint(splits: Mapping[str, Iterable[NDArray[np.generic]]]) -> str:
    """Return the SHA-256 (hex) of the splits' arrays: values, shapes, dtypes and which split they are in."""
    digest = hashlib.sha256()
    for name in sorted(splits):
        for array in splits[name]:
            digest.update(f"{name}|{array.dtype.str}|{array.shape}|".encode())
            digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
