"""Uploads arrive whole or not at all, and go on where they stopped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from tests.services.serving.artifacts.conftest import Registry
from tests.services.serving.artifacts.transfers import (
    CHUNK,
    chunk,
    fetched,
    header,
    id_of,
    manifest_of,
    messages,
    refusal,
)

from palmette_plugins.api import ResourceExhausted
from palmette_plugins.api.artifacts import ArtifactStore
from palmette_protos.v1 import artifact_pb2 as pb
from palmette_services.serving.artifacts.upload import Uploads

FILES = {"a/weights.bin": bytes(range(256)) * 10_000, "empty": b"", "notes.txt": b"hello"}  # 2.4 MiB, 0, 5 bytes


async def status(registry: Registry, files: dict[str, bytes]) -> pb.GetUploadStatusResponse:
    return await registry.stub.GetUploadStatus(pb.GetUploadStatusRequest(artifact_id=id_of(files)))


async def arrived(registry: Registry) -> bool:
    return bool((await status(registry, FILES)).received_bytes)


async def free(registry: Registry) -> bool:
    code, _ = await refusal(registry.stub.UploadArtifact(iter([header(FILES)])))
    return code != "FAILED_PRECONDITION"


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while not await condition():  # noqa: ASYNC110 - what a server has done has no event here
            await asyncio.sleep(0.01)


async def test_uploaded_artifact_comes_back_byte_for_byte(registry: Registry) -> None:
    uploaded = await registry.stub.UploadArtifact(messages(FILES))
    downloaded = await fetched(registry.stub.DownloadArtifact(pb.DownloadArtifactRequest(name=uploaded.artifact.name)))
    assert uploaded.artifact.name == f"artifacts/{id_of(FILES)}"
    assert downloaded == {path: content for path, content in FILES.items() if content}
    assert (await status(registry, FILES)).committed
    assert [path.name for path in (registry.root / "incoming").iterdir()] == []


async def test_interrupted_upload_goes_on_where_it_stopped(registry: Registry) -> None:
    first = list(messages(FILES))[:2]
    code, details = await refusal(registry.stub.UploadArtifact(iter(first)))
    arrived = await status(registry, FILES)
    rest = list(messages(FILES, arrived.received_bytes))
    uploaded = await registry.stub.UploadArtifact(iter(rest))
    assert (code, "not complete" in details) == ("INVALID_ARGUMENT", True)
    assert dict(arrived.received_bytes) == {"a/weights.bin": CHUNK}
    assert len(rest) == len(list(messages(FILES))) - 1
    assert uploaded.artifact.size_bytes == sum(len(content) for content in FILES.values())


async def test_vanished_client_leaves_nothing_visible(registry: Registry) -> None:
    sent = asyncio.Event()

    async def stalls() -> AsyncIterator[pb.UploadArtifactRequest]:
        for message in list(messages(FILES))[:2]:
            yield message
        sent.set()
        await asyncio.Event().wait()

    call = registry.stub.UploadArtifact(stalls())
    await sent.wait()
    await until(lambda: arrived(registry))
    call.cancel()
    listed = await registry.stub.ListArtifacts(pb.ListArtifactsRequest())
    assert list(listed.artifacts) == []
    await until(lambda: free(registry))  # the server hears of it a moment later
    uploaded = await registry.stub.UploadArtifact(messages(FILES, (await status(registry, FILES)).received_bytes))
    assert uploaded.artifact.name == f"artifacts/{id_of(FILES)}"


async def test_content_that_is_not_the_manifests_is_refused_and_dropped(registry: Registry) -> None:
    wrong = [header(FILES), chunk("notes.txt", 0, b"HELLO")]
    code, details = await refusal(registry.stub.UploadArtifact(iter(wrong)))
    assert code == "INVALID_ARGUMENT"
    assert "'notes.txt' arrived with SHA-256" in details
    assert "notes.txt" not in (await status(registry, FILES)).received_bytes


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (chunk("a/weights.bin", 5, b"x"), "of which 0 bytes arrived"),
        (chunk("other", 0, b"x"), "is not a file of the manifest"),
        (chunk("notes.txt", 0, b"hello!"), "has 5 bytes; more were sent"),
        (chunk("a/weights.bin", 0, bytes(CHUNK + 1)), "at most 1048576"),
        (header(FILES), "comes once"),
    ],
)
async def test_wrong_chunk_is_refused(registry: Registry, bad: pb.UploadArtifactRequest, said: str) -> None:
    code, details = await refusal(registry.stub.UploadArtifact(iter([header(FILES), bad])))
    assert code == "INVALID_ARGUMENT"
    assert said in details


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        (b"", "required"),
        (b"{", "is not JSON"),
        (manifest_of(FILES).to_bytes() + b"\n", "canonical"),
        (manifest_of(FILES).to_bytes().replace(b"a/weights.bin", b"../../passwd1"), "not a relative path"),
        (manifest_of(FILES).to_bytes().replace(b"a/weights.bin", b"/etc/weights1"), "not a relative path"),
    ],
)
async def test_wrong_manifest_is_refused(registry: Registry, manifest: bytes, said: str) -> None:
    request = pb.UploadArtifactRequest(header=pb.UploadHeader(manifest=manifest))
    code, details = await refusal(registry.stub.UploadArtifact(iter([request])))
    assert code == "INVALID_ARGUMENT"
    assert said in details


async def test_content_that_is_stored_already_need_not_be_sent(registry: Registry) -> None:
    registry.commit({"other-name": FILES["a/weights.bin"]})
    uploaded = await registry.stub.UploadArtifact(iter([header(FILES), chunk("notes.txt", 0, b"hello")]))
    assert uploaded.artifact.name == f"artifacts/{id_of(FILES)}"


async def test_message_of_100_mb_is_refused_and_the_service_goes_on(registry: Registry) -> None:
    request = chunk("a/weights.bin", 0, bytes(100_000_000))
    code, details = await refusal(registry.stub.UploadArtifact(iter([request])))
    assert code == "RESOURCE_EXHAUSTED"
    assert "larger than max" in details
    assert (await registry.stub.UploadArtifact(messages(FILES))).artifact.name == f"artifacts/{id_of(FILES)}"


def test_full_disk_is_said_and_left_as_empty_as_it_was(
    on_small_disk: Callable[[Callable[[Path], None], int], None],
) -> None:
    on_small_disk(_upload_too_much, CHUNK)


def _upload_too_much(disk: Path) -> None:
    store = ArtifactStore(str(disk))
    requests: Iterator[pb.UploadArtifactRequest] = messages(FILES)
    manifest = next(requests).header.manifest
    with pytest.raises(ResourceExhausted, match="no space left"):
        _send(Uploads(store), manifest, requests)
    assert list((disk / "incoming").iterdir()) == []
    assert store.ids() == []


def _send(uploads: Uploads, manifest: bytes, requests: Iterator[pb.UploadArtifactRequest]) -> None:
    with uploads.open(manifest) as upload:
        upload.begin()
        for request in requests:
            upload.write(request.chunk)
