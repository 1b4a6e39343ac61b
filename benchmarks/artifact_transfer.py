"""Moving artifacts in and out of the registry, and finding them among many.

python benchmarks/artifact_transfer.py [--json FILE]
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from service_under_test import Figure, at_most, report

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.services.serving.artifacts.transfers import chunk, header, id_of, messages
from tests.services.serving.processes import Serving, Triton

from palmette_plugins.api import ArtifactKind
from palmette_plugins.api.artifacts import ArtifactStore
from palmette_protos.v1 import artifact_pb2 as pb

SIZE_MB = 256
MANY = 10_000


def main() -> None:
    """Upload, resume, download; then list among many."""
    with tempfile.TemporaryDirectory(prefix="palmette-benchmark-") as folder:
        root = Path(folder)
        serving = Serving(root, Triton(root), root / "store")  # no Triton is started: none is needed
        serving.start()
        try:
            serving.wait_ready()
            figures = [*transfer(serving), *search(serving, ArtifactStore(str(root / "store")))]
            report(f"Artifacts: {SIZE_MB} MB there and back, and {MANY} small ones", figures)
        finally:
            serving.stop()


def transfer(serving: Serving) -> Iterator[Figure]:
    """Measure one large artifact."""
    files = {"weights.bin": os.urandom(SIZE_MB << 20)}
    half = list(messages(files))[: SIZE_MB // 2]
    start_s = time.perf_counter()
    serving.artifacts.UploadArtifact.future(iter(half)).exception()
    half_s = time.perf_counter() - start_s
    received = serving.artifacts.GetUploadStatus(pb.GetUploadStatusRequest(artifact_id=id_of(files))).received_bytes
    start_s = time.perf_counter()
    uploaded = serving.artifacts.UploadArtifact(rest(files, received["weights.bin"])).artifact
    whole_s = half_s + time.perf_counter() - start_s
    yield Figure("upload, interrupted in the middle and resumed", SIZE_MB / whole_s, "MB/s")
    start_s = time.perf_counter()
    responses = serving.artifacts.DownloadArtifact(pb.DownloadArtifactRequest(name=uploaded.name))
    size = sum(len(response.chunk.data) for response in responses)
    yield Figure("download, verified", (size >> 20) / (time.perf_counter() - start_s), "MB/s")


def rest(files: dict[str, bytes], received: int) -> Iterator[pb.UploadArtifactRequest]:
    """Yield what an interrupted upload still has to send."""
    yield header(files)
    content = memoryview(files["weights.bin"])
    for offset in range(received, len(content), 1 << 20):
        yield chunk("weights.bin", offset, bytes(content[offset : offset + (1 << 20)]))


def search(serving: Serving, store: ArtifactStore) -> Iterator[Figure]:
    """Measure lists and lineage among many artifacts."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    parents: tuple[str, ...] = ()
    for number in range(MANY):
        with store.writer() as writer:
            writer.add_bytes("table.json", b"[]")
            created = start + timedelta(minutes=number)
            parents = (
                writer.commit(kind=ArtifactKind.TABLE, create_time=created, parents=parents if number % 10 else ()),
            )
    start_s = time.perf_counter()
    serving.artifacts.ListArtifacts(pb.ListArtifactsRequest(page_size=1))
    yield Figure(f"index {MANY} new artifacts", time.perf_counter() - start_s, "s")
    yield at_most("list a page of 50", median_ms(serving, pb.ListArtifactsRequest()), "ms", 150.0)
    start_s = time.perf_counter()
    graph = serving.artifacts.GetLineage(pb.GetLineageRequest(name=f"artifacts/{parents[0]}"))
    yield Figure(f"lineage of {len(graph.artifacts)} artifacts", 1000 * (time.perf_counter() - start_s), "ms")


def median_ms(serving: Serving, request: pb.ListArtifactsRequest) -> float:
    """Return the median time of a list."""
    times = []
    for _ in range(21):
        start_s = time.perf_counter()
        serving.artifacts.ListArtifacts(request)
        times.append(1000 * (time.perf_counter() - start_s))
    return sorted(times)[10]


if __name__ == "__main__":
    main()
