"""Downloads are verified on their way out."""

from __future__ import annotations

import hashlib

from tests.services.serving.artifacts.conftest import Registry
from tests.services.serving.artifacts.transfers import refusal

from palmette_protos.v1 import artifact_pb2 as pb

CONTENT = bytes(range(256)) * 10_000


def request(identifier: str, **fields: object) -> pb.DownloadArtifactRequest:
    return pb.DownloadArtifactRequest(name=f"artifacts/{identifier}", **fields)


async def test_download_of_one_file_goes_on_from_an_offset(registry: Registry) -> None:
    identifier = registry.commit({"weights.bin": CONTENT, "other": b"x"})
    call = registry.stub.DownloadArtifact(request(identifier, path="weights.bin", offset_bytes=2_000_001))
    chunks = [response.chunk async for response in call if response.WhichOneof("message") == "chunk"]
    assert chunks[0].offset_bytes == 2_000_001
    assert b"".join(chunk.data for chunk in chunks) == CONTENT[2_000_001:]
    assert {chunk.path for chunk in chunks} == {"weights.bin"}


async def test_artifact_comes_first_with_its_manifest(registry: Registry) -> None:
    identifier = registry.commit()
    first = await registry.stub.DownloadArtifact(request(identifier[:10])).read()
    assert first.artifact.name == f"artifacts/{identifier}"
    assert hashlib.sha256(first.artifact.manifest).hexdigest() == identifier


async def test_corrupted_file_ends_the_download_with_data_loss_naming_it(registry: Registry) -> None:
    identifier = registry.commit({"weights.bin": CONTENT})
    blob = registry.blob(hashlib.sha256(CONTENT).hexdigest())
    blob.chmod(0o644)
    blob.write_bytes(b"X" + CONTENT[1:])
    call = registry.stub.DownloadArtifact(request(identifier))
    code, details = await refusal(call)
    assert code == "DATA_LOSS"
    assert "'weights.bin'" in details


async def test_missing_file_is_data_loss_naming_it(registry: Registry) -> None:
    identifier = registry.commit({"weights.bin": CONTENT})
    registry.blob(hashlib.sha256(CONTENT).hexdigest()).unlink()
    code, details = await refusal(registry.stub.DownloadArtifact(request(identifier)))
    assert code == "DATA_LOSS"
    assert "'weights.bin'" in details


async def test_unknown_file_is_answered_with_the_nearest_name(registry: Registry) -> None:
    identifier = registry.commit({"weights.bin": CONTENT})
    code, details = await refusal(registry.stub.DownloadArtifact(request(identifier, path="weight.bin")))
    assert (code, "did you mean 'weights.bin'" in details) == ("NOT_FOUND", True)


async def test_offset_outside_the_file_is_refused(registry: Registry) -> None:
    identifier = registry.commit({"weights.bin": b"12345"})
    call = registry.stub.DownloadArtifact(request(identifier, path="weights.bin", offset_bytes=6))
    assert (await refusal(call))[0] == "INVALID_ARGUMENT"
    assert (await refusal(registry.stub.DownloadArtifact(request(identifier, offset_bytes=1))))[0] == "INVALID_ARGUMENT"


async def test_names_cannot_leave_the_store(registry: Registry) -> None:
    for name in ("artifacts/../../etc/passwd", "artifacts/", "../x", "artifacts/12345"):
        code, _ = await refusal(registry.stub.DownloadArtifact(pb.DownloadArtifactRequest(name=name)))
        assert code == "INVALID_ARGUMENT"
