"""Small pools in the formats that users have."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

COLOURS = {"red": (220, 30, 30), "green": (30, 200, 40), "blue": (30, 40, 220), "white": (250, 250, 250)}


def png(colour: tuple[int, int, int], size: int = 8) -> bytes:
    """Return a PNG of one colour."""
    buffer = io.BytesIO()
    Image.fromarray(np.full((size, size, 3), colour, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def uid(number: int) -> str:
    """Return a uid."""
    return f"{number * 0x9E3779B97F4A7C15 % (1 << 128):032x}"


def rows(count: int) -> list[tuple[str, bytes, str]]:
    """Return (uid, image, caption) of `count` pairs."""
    names = list(COLOURS)
    return [(uid(n + 1), png(COLOURS[names[n % 4]]), f"a {names[n % 4]} square") for n in range(count)]


def write_parquet(path: Path, pairs: list[tuple[str, bytes, str]], group: int = 4) -> Path:
    """Write pairs in row groups of `group`."""
    uids, images, captions = zip(*pairs, strict=True)
    table = pa.table({"uid": list(uids), "image": list(images), "caption": list(captions)})
    pq.write_table(table, path, row_group_size=group)
    return path


def write_tar(path: Path, pairs: list[tuple[str, bytes, str]]) -> Path:
    """Write pairs as a WebDataset shard."""
    with tarfile.open(path, "w") as tar:
        for number, (name, image, caption) in enumerate(pairs):
            described = json.dumps({"uid": name}).encode()
            for suffix, data in (("png", image), ("txt", caption.encode()), ("json", described)):
                member = tarfile.TarInfo(f"{number:05d}.{suffix}")
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
    return path
