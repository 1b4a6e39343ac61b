"""The artifact store: content-addressed, whole or not there, on local and remote file systems."""

import hashlib
import os
import time
from datetime import UTC, datetime
from pathlib import Path

import fsspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palmette_plugins.api import DataLoss, InvalidArgument, NotFound
from palmette_plugins.api.artifacts import ArtifactStore, Manifest, safe_relative_path
from palmette_plugins.api.kinds import ArtifactKind


def commit(store, files, **fields):
    with store.writer() as writer:
        for path, content in files.items():
            writer.add_bytes(path, content)
        return writer.commit(kind=ArtifactKind.REPORT, **fields)


@pytest.fixture(params=["local", "memory"])
def any_store(request, tmp_path):
    if request.param == "local":
        yield ArtifactStore(f"file://{tmp_path}/artifacts")
        return
    fsspec.filesystem("memory").store.clear()
    yield ArtifactStore("memory://artifacts")
    fsspec.filesystem("memory").store.clear()


def test_what_is_committed_is_read_back_verified(any_store):
    identifier = commit(any_store, {"a.txt": b"one", "deep/b.bin": b"two"}, metrics={"accuracy": 0.5}, seed=7)

    manifest = any_store.manifest(identifier)

    assert {file.path: file.size_bytes for file in manifest.files} == {"a.txt": 3, "deep/b.bin": 3}
    assert any_store.local_path(identifier, "deep/b.bin").read_bytes() == b"two"
    assert any_store.open(manifest.files[0]).read() == b"one"
    assert manifest.metrics == {"accuracy": 0.5}
    assert manifest.size_bytes == 6
    assert any_store.ids() == [identifier]
    any_store.verify(identifier)


def test_the_id_is_the_digest_of_the_manifest_which_holds_the_digests_of_the_files(store):
    identifier = commit(store, {"a.txt": b"one"})

    assert hashlib.sha256(store.manifest_bytes(identifier)).hexdigest() == identifier
    assert store.manifest(identifier).files[0].sha256 == hashlib.sha256(b"one").hexdigest()


def test_equal_manifests_are_one_artifact_and_equal_content_is_stored_once(store, tmp_path):
    when = datetime(2026, 1, 1, tzinfo=UTC)

    first, again = (commit(store, {"a": b"same"}, create_time=when) for _ in range(2))
    other = commit(store, {"b": b"same"}, create_time=when)

    assert first == again != other
    assert len(list((tmp_path / "artifacts" / "blobs").rglob("*/*"))) == 1


def test_ids_can_be_shortened_to_eight_digits_and_written_as_references(store):
    identifier = commit(store, {"a": b"x"})

    for text in (identifier, identifier[:8], f"artifact:{identifier}", f"artifacts/{identifier}"):
        assert store.resolve(text) == identifier


@pytest.mark.parametrize("text", ["", "abc", "ABCDEF0123", "../../etc/passwd", "g" * 64, "a" * 65])
def test_what_is_no_id_is_refused(store, text):
    with pytest.raises(InvalidArgument, match="not an artifact id"):
        store.resolve(text)


def test_unknown_ids_and_files_are_not_found(store):
    identifier = commit(store, {"weights.safetensors": b"x"})

    for text in ("0" * 64, "00000000"):
        with pytest.raises(NotFound):
            store.resolve(text)
    with pytest.raises(NotFound, match=r"did you mean 'weights\.safetensors'"):
        store.local_path(identifier, "weight.safetensors")


def test_an_ambiguous_prefix_is_refused(store, tmp_path):
    identifier = commit(store, {"a": b"x"})
    twin = identifier[:10] + "0" * 54
    manifests = tmp_path / "artifacts" / "manifests"
    (manifests / f"{twin}.json").write_bytes((manifests / f"{identifier}.json").read_bytes())

    with pytest.raises(InvalidArgument, match="not unique; 2 artifacts"):
        store.resolve(identifier[:10])


def test_a_file_may_be_added_from_disk_and_a_folder_as_a_whole(store, tmp_path):
    folder = tmp_path / "results"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.bin").write_bytes(b"a" * 3_000_000)
    (folder / "deep" / "b").write_bytes(b"b")

    with store.writer() as writer:
        writer.add_folder(folder)
        identifier = writer.commit(kind=ArtifactKind.MODEL)

    assert [file.path for file in store.manifest(identifier).files] == ["a.bin", "deep/b"]
    assert store.local_path(identifier, "a.bin").read_bytes() == (folder / "a.bin").read_bytes()


def test_a_failing_writer_leaves_no_artifact_and_nothing_unfinished(store, tmp_path):
    def write_half():
        with store.writer() as writer:
            writer.add_bytes("a", b"x")
            writer.add_bytes("../b", b"y")

    with pytest.raises(InvalidArgument):
        write_half()

    assert store.ids() == []
    assert list((tmp_path / "artifacts" / "incoming").iterdir()) == []


def test_a_manifest_cannot_name_content_that_is_not_stored(store, tmp_path):
    with store.writer() as writer:
        writer.add_bytes("a", b"x")
        next((tmp_path / "artifacts" / "blobs").rglob("*/*")).unlink()

        with pytest.raises(DataLoss, match="content of 'a' is not stored"):
            writer.commit(kind=ArtifactKind.MODEL)

    assert store.ids() == []


def test_garbage_is_what_nothing_refers_to(store):
    kept = commit(store, {"a": b"kept", "shared": b"shared"})
    gone = commit(store, {"b": b"gone", "shared": b"shared"})
    store.delete(gone)
    store.incoming_path().write_bytes(b"unfinished")

    assert store.collect_garbage(dry_run=True).blobs == ()  # younger than an hour: may be about to be committed
    now = {"older_than_s": -1, "unfinished_older_than_s": -1}
    planned = store.collect_garbage(dry_run=True, **now)
    assert store.has_blob(hashlib.sha256(b"gone").hexdigest())
    assert len(store.collect_garbage(dry_run=True, disregard=[kept], **now).blobs) == 3
    done = store.collect_garbage(dry_run=False, **now)

    assert planned == done
    assert done.blobs == (hashlib.sha256(b"gone").hexdigest(),)
    assert len(done.unfinished) == 1
    assert done.freed_bytes == len(b"gone") + len(b"unfinished")
    assert not store.has_blob(done.blobs[0])
    store.verify(kept)


def test_file_names_of_any_letters_survive(store):
    names = [f"file {index} ü.txt" for index in range(20)]

    identifier = commit(store, {name: name.encode() for name in names})

    assert [file.path for file in store.manifest(identifier).files] == sorted(names)
    for name in names:
        assert store.local_path(identifier, name).read_bytes() == name.encode()


def test_an_old_modification_time_alone_does_not_make_content_garbage(store, tmp_path):
    identifier = commit(store, {"a": b"x"})
    blob = next((tmp_path / "artifacts" / "blobs").rglob("*/*"))
    os.utime(blob, (time.time() - 1e6,) * 2)

    assert store.collect_garbage(dry_run=False).blobs == ()
    store.verify(identifier)


@given(st.text(max_size=40))
def test_a_safe_path_never_leaves_its_folder(text):
    try:
        path = safe_relative_path(text)
    except InvalidArgument:
        return
    resolved = Path("/base/folder", path)
    assert resolved.is_relative_to("/base/folder")
    assert ".." not in resolved.parts
    assert not path.endswith("/")


@pytest.mark.parametrize(
    "path",
    ["", ".", "..", "../x", "a/../../x", "/etc/passwd", "a//b", "a/./b", "a\\b", "C:x", "a\0b", "a/", "x" * 513],
)
def test_paths_that_leave_the_artifact_are_refused_when_writing_and_when_reading(store, path):
    with store.writer() as writer, pytest.raises(InvalidArgument, match="not a relative path inside the artifact"):
        writer.add_bytes(path, b"x")
    manifest = commit(store, {"a": b"x"})
    data = store.manifest_bytes(manifest).replace(b'"a"', b'"%s"' % path.replace("\\", "\\\\").encode())
    if b"\0" not in data:
        with pytest.raises(InvalidArgument):
            Manifest.from_bytes(data)
