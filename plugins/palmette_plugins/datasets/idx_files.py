"""IDX files, the format of MNIST and its kin: magic number, sizes, then bytes (all big-endian)."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from palmette_plugins.api.errors import DataLoss

_UNSIGNED_BYTE = 0x08


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Return the array of a (gzipped) IDX file of unsigned bytes; raise `DataLoss` naming a damaged file."""
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataLoss(f"{path} is damaged ({error}); install it again") from None
    shape = _shape(path, data)
    start = 4 + 4 * len(shape)
    if len(data) - start != math.prod(shape):
        raise DataLoss(f"{path} is damaged: {len(data) - start} bytes for shape {shape}; install it again")
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)


def idx_shape(path: Path) -> tuple[int, ...]:
    """Return the array's shape, reading only the head of the file."""
    opener = gzip.open if path.suffix == ".gz" else Path.open
    try:
        with opener(path, "rb") as stream:
            return _shape(path, stream.read(64))
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataLoss(f"{path} is damaged ({error}); install it again") from None


def _shape(path: Path, head: bytes) -> tuple[int, ...]:
    if len(head) < 4 or head[:2] != b"\0\0" or head[2] != _UNSIGNED_BYTE or len(head) < 4 + 4 * head[3]:
        raise DataLoss(f"{path} is not an IDX file of bytes; install it again")
    return struct.unpack(f">{head[3]}I", head[4 : 4 + 4 * head[3]])
