"""The archive: every network that was measured, once, in the order of measurement."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from palmette_plugins.api.errors import InvalidArgument
from palmette_plugins.engines.multi_objective.genes import Genes, GeneSpace, Key

_METADATA = b"palmette"


@dataclass(frozen=True)
class Entry:
    """One measured network.

    Attributes:
        genes: As they were proposed; genes that do not matter may be anything.
        measurements: What was measured, by name.
        round: Number of the round it was measured in, from 0.
    """

    genes: Key
    measurements: Mapping[str, float]
    round: int


class Archive:
    """Measured networks of one space.

    Attributes:
        space: The space.
        entries: What was measured, in order; all different networks.
    """

    def __init__(self, space: GeneSpace, entries: Sequence[Entry] = ()) -> None:
        self.space = space
        self.entries: list[Entry] = []
        self._index: dict[Key, int] = {}
        for entry in entries:
            self.add(entry)

    def __len__(self) -> int:
        return len(self.entries)

    def __contains__(self, key: Key) -> bool:
        return key in self._index

    def add(self, entry: Entry) -> None:
        """Add a network; raise `ValueError` if it is in the archive."""
        key = self._key(entry.genes)
        if key in self._index:
            raise ValueError(f"measured twice: {key}")
        self._index[key] = len(self.entries)
        self.entries.append(entry)

    def get(self, genes: Sequence[int]) -> Entry | None:
        """Return the entry of the network that genes decode to, if it was measured."""
        index = self._index.get(self._key(genes))
        return None if index is None else self.entries[index]

    @property
    def genes(self) -> Genes:
        """The genes of all entries, (N, G)."""
        return np.array([entry.genes for entry in self.entries], dtype=np.int64).reshape(
            len(self.entries), len(self.space.genes)
        )

    @property
    def keys(self) -> list[Key]:
        """The identities of all entries."""
        return list(self._index)

    @property
    def rows(self) -> list[Mapping[str, float]]:
        """The measurements of all entries."""
        return [entry.measurements for entry in self.entries]

    def _key(self, genes: Sequence[int]) -> Key:
        return self.space.keys(np.asarray(genes, dtype=np.int64)[None])[0]


def table_rows(archive: Archive, indices: Sequence[int] | None = None) -> list[dict[str, Any]]:
    """Return entries as rows: number, round, configuration and measurements; all with None."""
    chosen = range(len(archive)) if indices is None else indices
    return [
        {
            "number": int(index),
            "round": archive.entries[index].round,
            "configuration": archive.space.decode(archive.entries[index].genes),
            **archive.entries[index].measurements,
        }
        for index in chosen
    ]


def to_parquet(archive: Archive, about: Mapping[str, Any]) -> bytes:
    """Return the archive as a Parquet file: genes, decoded configuration (JSON), round and every measurement.

    `about` (plain JSON) is kept in the file's metadata with the space.
    """
    names = list(archive.entries[0].measurements) if archive.entries else []
    columns: dict[str, Any] = {
        "genes": pa.array([list(entry.genes) for entry in archive.entries], pa.list_(pa.int64())),
        "configuration": [json.dumps(archive.space.decode(entry.genes)) for entry in archive.entries],
        "round": pa.array([entry.round for entry in archive.entries], pa.int64()),
    }
    columns |= {name: pa.array([row[name] for row in archive.rows], pa.float64()) for name in names}
    said = json.dumps({**about, "space": archive.space.fingerprint, "measurements": names})
    table = pa.table(columns).replace_schema_metadata({_METADATA: said.encode()})
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()


def from_parquet(path: Path, space: GeneSpace, field: str) -> tuple[Archive, dict[str, Any]]:
    """Return an archive and what is said about it.

    Raises:
        InvalidArgument: It is of another space, or no archive of this suite; field `field`.
    """
    table = pq.read_table(path)
    metadata = (table.schema.metadata or {}).get(_METADATA)
    if metadata is None:
        raise InvalidArgument.field(field, "is not the archive of a search")
    about = json.loads(metadata)
    if about["space"] != space.fingerprint:
        raise InvalidArgument.field(field, "is a search of another space: its genes say nothing about this supernet")
    rows = table.to_pylist()
    entries = [
        Entry(tuple(row["genes"]), {name: row[name] for name in about["measurements"]}, row["round"]) for row in rows
    ]
    return Archive(space, entries), about
