"""Pools in Parquet and in tar shards."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from palmette_plugins.api import InvalidArgument
from palmette_plugins.api.resolve import describe_dataset, load_dataset
from palmette_plugins.datasets.pair_dataset import PairDataset

from .pair_files import COLOURS, png, rows, write_parquet, write_tar


def pool_of(reference: str) -> PairDataset:
    data = load_dataset(reference)
    assert isinstance(data, PairDataset)
    return data


@pytest.fixture(params=["pairs", "webdataset"])
def reference(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Ten pairs in two files."""
    pairs = rows(10)
    for name, part in (("0", pairs[:6]), ("1", pairs[6:])):
        if request.param == "pairs":
            write_parquet(tmp_path / f"{name}.parquet", part)
        else:
            write_tar(tmp_path / f"{name}.tar", part)
    return f"pairs:{tmp_path}" if request.param == "pairs" else f"webdataset:{tmp_path}/{{0..1}}.tar"


def test_pairs_come_as_they_were_written(reference: str) -> None:
    data = pool_of(reference)
    assert [(pair.uid, pair.image, pair.caption) for pair in data.pool.pairs()] == rows(10)
    assert sum(data.info.sizes.values()) == data.pool.size == 10
    assert data.info.task == "contrastive-pairs"


def test_shards_together_are_the_pool(reference: str) -> None:
    shards = pool_of(reference).pool.shards()
    assert len({shard.name for shard in shards}) == len(shards) > 1
    assert [pair.uid for shard in shards for pair in shard.pairs()] == [uid for uid, _, _ in rows(10)]


def test_the_training_split_holds_images_and_tokens(reference: str) -> None:
    data = pool_of(f"{reference}?size=16")
    assert {name: len(data[name]) for name in data.splits} == {"train": 8, "validation": 1, "test": 1}  # type: ignore[arg-type]
    image, tokens = data["validation"][0]
    assert image.shape == (3, 16, 16)
    assert torch.allclose(image[:, 0, 0], torch.tensor(COLOURS["red"]) / 127.5 - 1, atol=1e-6)
    assert int((tokens > 0).sum()) == 3
    assert torch.equal(tokens, data["train"][2][1])  # the same words: of ten pairs, 0 and 1 are held out
    assert not torch.equal(tokens, data["test"][0][1])


def test_another_pool_has_another_fingerprint(tmp_path: Path) -> None:
    first = pool_of(f"pairs:{write_parquet(tmp_path / 'a.parquet', rows(6))}").fingerprint
    assert first == pool_of(f"pairs:{tmp_path / 'a.parquet'}").fingerprint
    assert first != pool_of(f"pairs:{write_parquet(tmp_path / 'a.parquet', rows(7))}").fingerprint


def test_pairs_without_uids_are_named_by_their_place(tmp_path: Path) -> None:
    table = pa.table({"text": ["a", "a"], "image": [{"bytes": png((0, 0, 0)), "path": None}] * 2})
    pq.write_table(table, tmp_path / "pool.parquet")
    uids = [pair.uid for pair in pool_of(f"pairs:{tmp_path / 'pool.parquet'}").pool.pairs()]
    assert len(set(uids)) == 2
    assert all(len(uid) == 32 for uid in uids)
    assert uids == [pair.uid for pair in pool_of(f"pairs:{tmp_path / 'pool.parquet'}").pool.pairs()]


def test_images_may_be_paths_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "red.png").write_bytes(png(COLOURS["red"]))
    table = pa.table({"caption": ["red", "gone"], "image": ["red.png", "gone.png"]})
    pq.write_table(table, tmp_path / "pool.parquet")
    images = [pair.image for pair in pool_of(f"pairs:{tmp_path / 'pool.parquet'}").pool.pairs()]
    assert images == [png(COLOURS["red"]), b""]


@pytest.mark.parametrize(
    ("reference", "text"),
    [
        ("pairs", "needs a path"),
        ("pairs:{folder}/none.parquet", "no Parquet files"),
        ("pairs:{folder}/broken.parquet", "is not a Parquet file"),
        ("pairs:{folder}/labels.parquet", "has no caption"),
        ("pairs:{folder}/good.parquet?sise=3", "size"),
        ("webdataset", "needs shards"),
        ("webdataset:{folder}/{{0..2}}.tar", "no shard"),
        ("webdataset:{folder}/broken.parquet", "is not a tar file"),
    ],
)
def test_bad_references_are_refused(tmp_path: Path, reference: str, text: str) -> None:
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and then nothing")
    pq.write_table(pa.table({"label": [1]}), tmp_path / "labels.parquet")
    write_parquet(tmp_path / "good.parquet", rows(2))
    with pytest.raises(InvalidArgument, match=text):
        describe_dataset(reference.format(folder=tmp_path), "inputs.pool")


def test_a_uid_that_is_none_is_named(tmp_path: Path) -> None:
    write_parquet(tmp_path / "pool.parquet", [("abc", png((0, 0, 0)), "black")])
    with pytest.raises(InvalidArgument, match="uid 'abc' is not 32 hexadecimal digits"):
        list(pool_of(f"pairs:{tmp_path / 'pool.parquet'}").pool.pairs())


def test_a_split_leaves_out_what_cannot_be_trained_on(tmp_path: Path) -> None:
    good = rows(2)
    pairs = [*good, (good[0][0][::-1], b"no image", "a red square"), (good[1][0][::-1], good[1][1], " ?! ")]
    data = pool_of(f"pairs:{write_parquet(tmp_path / 'pool.parquet', pairs)}")
    assert data.pool.size == 4
    assert [len(data[name]) for name in ("train", "validation", "test")] == [2, 0, 0]  # type: ignore[arg-type]
    assert np.isfinite(data["train"][1][0].numpy()).all()
