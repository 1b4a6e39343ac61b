"""Corruption, torn writes and full disks: noticed, named, and never visible as an artifact."""

import hashlib

import fsspec
import pytest

from palmette_plugins.api import DataLoss, InvalidArgument, ResourceExhausted
from palmette_plugins.api.artifacts import ArtifactStore, Manifest
from palmette_plugins.api.kinds import ArtifactKind

CONTENT = b"weights" * 1000


@pytest.fixture
def identifier(store):
    with store.writer() as writer:
        writer.add_bytes("weights.bin", CONTENT)
        return writer.commit(kind=ArtifactKind.MODEL)


def blob(tmp_path):
    return (
        tmp_path / "artifacts" / "blobs" / hashlib.sha256(CONTENT).hexdigest()[:2] / hashlib.sha256(CONTENT).hexdigest()
    )


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: b"", lambda data: b"W" + data[1:]])
def test_changed_content_is_data_loss_naming_the_file(store, identifier, tmp_path, damage):
    path = blob(tmp_path)
    path.chmod(0o644)
    path.write_bytes(damage(CONTENT))

    with pytest.raises(DataLoss, match=r"'weights\.bin' of artifact '.*' is corrupted"):
        store.local_path(identifier, "weights.bin")
    with pytest.raises(DataLoss):
        store.verify(identifier)


def test_missing_content_is_data_loss(store, identifier, tmp_path):
    blob(tmp_path).unlink()

    with pytest.raises(DataLoss, match="missing from the store"):
        store.local_path(identifier, "weights.bin")
    with pytest.raises(DataLoss, match="missing from the store"):
        store.open(store.manifest(identifier).files[0])


def test_a_changed_manifest_is_data_loss(store, identifier, tmp_path):
    path = tmp_path / "artifacts" / "manifests" / f"{identifier}.json"
    path.write_bytes(path.read_bytes().replace(b'"seed": 0', b'"seed": 1'))

    with pytest.raises(DataLoss, match="its digest is not its id"):
        store.manifest(identifier)


@pytest.mark.parametrize(
    ("data", "said"),
    [(b"{", "is not JSON"), (b"[]", "manifest"), (b'{"kind": "wish"}', "manifest.kind"), (b"\xff\xfe", "is not JSON")],
)
def test_what_is_no_manifest_is_refused_with_the_field(data, said):
    with pytest.raises(InvalidArgument, match=said):
        Manifest.from_bytes(data)


def test_a_corrupted_cached_download_is_fetched_again(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    fsspec.filesystem("memory").store.clear()
    store = ArtifactStore("memory://faults")
    with store.writer() as writer:
        writer.add_bytes("weights.bin", CONTENT)
        identifier = writer.commit(kind=ArtifactKind.MODEL)
    cached = store.local_path(identifier, "weights.bin")
    cached.write_bytes(b"damaged")

    assert store.local_path(identifier, "weights.bin").read_bytes() == CONTENT


def test_a_full_disk_is_said_and_leaves_nothing_behind(on_small_disk):
    def fill(disk):
        store = ArtifactStore(str(disk / "artifacts"))
        with store.writer() as writer:
            writer.add_bytes("small.bin", b"x" * 1000)
            small = writer.commit(kind=ArtifactKind.MODEL)

        with (
            pytest.raises(ResourceExhausted, match=r"no space left on the disk while writing 'large\.bin'; free some"),
            store.writer() as writer,
        ):
            writer.add_bytes("large.bin", b"y" * 2**21)

        assert store.ids() == [small]
        assert list((disk / "artifacts" / "incoming").iterdir()) == []
        store.verify(small)
        with store.writer() as writer:
            writer.add_bytes("next.bin", b"z" * 100_000)
            assert writer.commit(kind=ArtifactKind.MODEL) in store.ids()

    on_small_disk(fill, 2**20)


def test_a_disk_that_fills_up_while_copying_a_file_is_said(on_small_disk, tmp_path):
    source = tmp_path / "large.bin"
    source.write_bytes(b"y" * 2**21)

    def fill(disk):
        store = ArtifactStore(str(disk / "artifacts"))
        with pytest.raises(ResourceExhausted, match=r"while writing 'copy\.bin'"), store.writer() as writer:
            writer.add_file("copy.bin", source)
        assert list((disk / "artifacts" / "incoming").iterdir()) == []
        assert store.ids() == []

    on_small_disk(fill, 2**20)


def test_a_disk_with_room_for_the_content_but_not_the_manifest_shows_no_artifact(on_small_disk):
    def fill(disk):
        store = ArtifactStore(str(disk / "artifacts"))
        with store.writer() as writer:
            writer.add_bytes("a.bin", b"x" * 200_000)
            with pytest.raises(OSError, match="No space left"):
                (disk / "filler").write_bytes(b"f" * 2**20)
            with pytest.raises(ResourceExhausted, match="while committing artifact"):
                writer.commit(kind=ArtifactKind.MODEL, attributes={"long": "x" * 20_000})
        assert store.ids() == []
        assert list((disk / "artifacts" / "incoming").iterdir()) == []

    on_small_disk(fill, 2**20)
