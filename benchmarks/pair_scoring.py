"""Filtering a pool of image-text pairs: pairs per second of CPU, and memory that does not grow with the pool.

    python benchmarks/pair_scoring.py [--json FILE]

Pools of 10,000 and of 200,000 pairs in Parquet, real photos as PNG with captions, are scored and cut by the whole
method (scores, table, subset file, report), each in a process of its own with one core; no model is trained but the
filter, on a few pairs. What one process takes more than the other is what 190,000 more pairs cost.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from service_under_test import Figure, at_most, report

SMALL, LARGE = 10_000, 200_000
GROWTH_MB = 100
_GROUP = 2_000
_PHOTOS = 10_000


def main() -> None:
    """Measure both pools, the small one first."""
    with tempfile.TemporaryDirectory(prefix="palmette-benchmark-") as name:
        folder = Path(name)
        found = {}
        for pairs in (SMALL, LARGE):
            write_pool(folder / f"{pairs}.parquet", pairs)
            command = [sys.executable, __file__, "--one", str(folder / f"{pairs}.parquet")]
            printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            found[pairs] = json.loads(printed.splitlines()[-1])
        figures = [Figure(f"{n:,} pairs: scored per CPU second", found[n]["rate"], "1/s") for n in found]
        figures += [Figure(f"{n:,} pairs: largest memory", found[n]["memory_mb"], "MB") for n in found]
        growth = found[LARGE]["memory_mb"] - found[SMALL]["memory_mb"]
        figures.append(at_most("memory of 190,000 more pairs", growth, "MB", GROWTH_MB))
        report("Scoring image-text pairs, 28x28 photos, tiny towers, one core", figures)


def write_pool(path: Path, pairs: int) -> None:
    """Write photos with captions; they come round again after 10,000."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from PIL import Image

    from palmette_plugins.api.resolve import load_dataset

    photos = [
        (png(Image.fromarray(pair.image[0])), pair.caption)
        for pair in load_dataset(f"captioned:fashion-mnist?of_limit={_PHOTOS}&spoiled=0.5").pool.pairs()  # type: ignore[attr-defined]
    ]
    schema = pa.schema([("image", pa.binary()), ("caption", pa.string())])
    with pq.ParquetWriter(path, schema) as writer:
        for start in range(0, pairs, _GROUP):
            rows = [photos[index % len(photos)] for index in range(start, min(start + _GROUP, pairs))]
            images, captions = zip(*rows, strict=True)
            writer.write_table(pa.table({"image": list(images), "caption": list(captions)}, schema))


def png(image: object) -> bytes:
    """Return an image's file."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")  # type: ignore[attr-defined]
    return buffer.getvalue()


def one(path: str) -> None:
    """Filter one pool and print what it took as JSON."""
    import resource

    from palmette_plugins.api import run_method
    from palmette_plugins.data_filtering.dfn import Dfn

    recipe = {"batch_size": 64, "warmup_steps": 0, "precision": "fp32"}
    with tempfile.TemporaryDirectory(prefix="palmette-benchmark-") as folder:
        started_s = time.process_time()
        result = run_method(
            Dfn,
            store=folder,
            cpu=1,
            pool=f"pairs:{path}?size=28",
            clean="captioned:digits?limit=100",
            arch="tiny",
            filter_recipe=recipe,
            filter_samples=64,
            train_induced=False,
        )
        cpu_s = time.process_time() - started_s
        memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"rate": result.metrics["pool"] / cpu_s, "memory_mb": memory_mb}))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        one(sys.argv[2])
    else:
        main()
