"""Downloading and uploading artifacts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.sdk.tiny_suite import TinySuite

import palmette
from palmette.errors import DataLoss, InvalidRequest, NotFound
from palmette.manifest import make_manifest
from palmette.types import ArtifactName
from palmette_plugins.api.artifacts import Manifest

FILES = {"weights.safetensors": os.urandom(5500), "more/samples.safetensors": os.urandom(1200), "empty": b""}


def test_a_download_has_every_file_and_the_manifest(client: palmette.Client, suite: TinySuite, tmp_path: Path) -> None:
    name = suite.artifacts.add(FILES)

    folder = client.artifacts.download(name, tmp_path / "model")

    assert {path: (folder / path).read_bytes() for path in FILES} == FILES
    assert (folder / "manifest.json").read_bytes() == suite.artifacts.artifacts[name].manifest
    assert not list(folder.rglob("*.part"))


def test_a_broken_download_goes_on_where_it_stopped(client: palmette.Client, suite: TinySuite, tmp_path: Path) -> None:
    name = suite.artifacts.add(FILES)
    suite.artifacts.cut_after_bytes = 3000

    client.artifacts.download(name, tmp_path)

    assert (tmp_path / "weights.safetensors").read_bytes() == FILES["weights.safetensors"]
    assert suite.artifacts.sent_bytes == sum(map(len, FILES.values()))


def test_what_is_there_already_is_not_sent_again(client: palmette.Client, suite: TinySuite, tmp_path: Path) -> None:
    name = suite.artifacts.add(FILES)
    client.artifacts.download(name, tmp_path)
    sent = suite.artifacts.sent_bytes

    client.artifacts.download(name, tmp_path)

    assert suite.artifacts.sent_bytes == sent


def test_bytes_that_do_not_match_their_digest_are_never_left(
    client: palmette.Client, suite: TinySuite, tmp_path: Path
) -> None:
    name = suite.artifacts.add(FILES)
    suite.artifacts.corrupt = True

    with pytest.raises(DataLoss, match=r"weights\.safetensors"):
        client.artifacts.download(name, tmp_path)

    assert not (tmp_path / "weights.safetensors").exists()
    assert not (tmp_path / "manifest.json").exists()


@pytest.mark.parametrize("path", ["../outside", "/etc/outside", "a/../../outside", "a\\..\\outside", "C:outside"])
def test_a_server_cannot_write_outside_the_folder(
    client: palmette.Client, suite: TinySuite, tmp_path: Path, path: str
) -> None:
    name = suite.artifacts.add({path: b"evil"})

    with pytest.raises(DataLoss, match="outside its folder"):
        client.artifacts.download(name, tmp_path / "inside" / "deep")

    assert not list(tmp_path.rglob("*outside*"))


def test_a_download_uploads_again_under_the_same_name(
    client: palmette.Client, suite: TinySuite, tmp_path: Path
) -> None:
    name = suite.artifacts.add(FILES)
    client.artifacts.download(name, tmp_path)
    suite.artifacts.artifacts.clear()

    assert client.artifacts.upload(tmp_path).name == name
    assert suite.artifacts.received_bytes == sum(map(len, FILES.values()))


def test_a_broken_upload_sends_only_what_did_not_arrive(
    client: palmette.Client, suite: TinySuite, tmp_path: Path
) -> None:
    (tmp_path / "table.bin").write_bytes(os.urandom(2 << 20))
    client.plugins()
    suite.artifacts.cut_after_bytes = 1 << 20

    artifact = client.artifacts.upload(tmp_path, kind="table")

    assert artifact.kind == "table"
    assert suite.artifacts.received_bytes == 2 << 20


def test_an_upload_that_is_there_already_sends_no_file(
    client: palmette.Client, suite: TinySuite, tmp_path: Path
) -> None:
    name = suite.artifacts.add(FILES)
    client.artifacts.download(name, tmp_path)

    client.artifacts.upload(tmp_path)

    assert suite.artifacts.received_bytes == 0


def test_a_folder_that_differs_from_its_manifest_is_not_sent(
    client: palmette.Client, suite: TinySuite, tmp_path: Path
) -> None:
    client.artifacts.download(suite.artifacts.add(FILES), tmp_path)
    (tmp_path / "weights.safetensors").write_bytes(b"other")

    with pytest.raises(DataLoss, match="differs from the manifest"):
        client.artifacts.upload(tmp_path)


def test_a_folder_without_manifest_or_kind_says_what_is_missing(client: palmette.Client, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="say its kind"):
        client.artifacts.upload(tmp_path)
    with pytest.raises(InvalidRequest, match="holds no file"):
        client.artifacts.upload(tmp_path, kind="table")


def test_names_come_in_three_forms(client: palmette.Client, suite: TinySuite) -> None:
    name = ArtifactName(suite.artifacts.add(FILES))

    found = [client.artifacts.get(form).name for form in (name, name.reference, name.id, name.id[:8])]

    assert found == [name] * 4
    with pytest.raises(NotFound):
        client.artifacts.get("0" * 64)


def test_a_made_manifest_has_the_canonical_form_that_the_store_asks_for(tmp_path: Path) -> None:
    (tmp_path / "ä.txt").write_text("x")
    fields = {"metrics": {"one": 1, "tiny": 1e-7}, "attributes": {"é": [1, 2.5, {}]}, "task": "classification"}

    local = make_manifest(tmp_path, "table", fields)

    assert Manifest.from_bytes(local.manifest).to_bytes() == local.manifest
    with pytest.raises(InvalidRequest, match=r"fields\.metric"):
        make_manifest(tmp_path, "table", {"metric": {}})
