"""The archive: one entry per network, and a Parquet file that says what it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from palmette_plugins.api import InvalidArgument
from palmette_plugins.engines.multi_objective.archive import Archive, Entry, from_parquet, table_rows, to_parquet
from palmette_plugins.engines.multi_objective.genes import Gene, GeneSpace

from .simulated import SPACE, measure


@pytest.fixture
def archive() -> Archive:
    genes = SPACE.draw(6, np.random.default_rng(0))
    return Archive(
        SPACE,
        [
            Entry(tuple(row.tolist()), measure(key), i // 3)
            for i, (row, key) in enumerate(zip(genes, SPACE.keys(genes), strict=True))
        ],
    )


def test_a_network_is_in_the_archive_once(archive: Archive) -> None:
    twin = np.array(archive.entries[0].genes)
    active = SPACE.active(twin[None])[0]
    assert not active.all()
    twin[~active] = (twin[~active] + 1) % 3

    assert archive.get(twin) == archive.entries[0]
    with pytest.raises(ValueError, match="measured twice"):
        archive.add(Entry(tuple(twin.tolist()), {}, 1))


def test_parquet_keeps_genes_rounds_and_measurements(archive: Archive, tmp_path: Path) -> None:
    path = tmp_path / "archive.parquet"
    path.write_bytes(to_parquet(archive, {"tactic": "random"}))

    read, about = from_parquet(path, SPACE, "inputs.earlier")

    assert read.entries == archive.entries
    assert about["tactic"] == "random"
    assert pq.read_table(path).column_names == ["genes", "configuration", "round", "accuracy", "macs", "params"]


def test_an_archive_of_another_space_is_refused(archive: Archive, tmp_path: Path) -> None:
    path = tmp_path / "archive.parquet"
    path.write_bytes(to_parquet(archive, {}))

    with pytest.raises(InvalidArgument, match="another space"):
        from_parquet(path, GeneSpace([Gene("depth", (1, 2))]), "inputs.earlier")


def test_rows_are_decoded(archive: Archive) -> None:
    rows = table_rows(archive, [4])

    assert rows[0]["number"] == 4
    assert rows[0]["round"] == 1
    assert rows[0]["configuration"] == SPACE.decode(archive.entries[4].genes)
    assert rows[0]["macs"] == measure(archive.keys[4])["macs"]
