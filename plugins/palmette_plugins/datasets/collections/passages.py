"""The passages of a ``corpus.jsonl``, read from disk as they are needed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson
from numpy.typing import NDArray

from palmette_plugins.api.errors import InvalidArgument


@dataclass(frozen=True)
class Passage:
    """A passage: what a retriever finds."""

    id: str
    title: str
    text: str

    @property
    def full_text(self) -> str:
        """Title and text as one string, as lexical and dense models of one field see it."""
        return f"{self.title} {self.text}".strip()


class Corpus(Sequence[Passage]):
    """All passages of one file, in its order.

    Texts stay on the disk; memory holds the ids and 24 bytes a passage, so millions of passages are no burden.

    Attributes:
        file: The ``corpus.jsonl``.
        sha256: Digest of the file, in hex.
    """

    def __init__(self, file: Path) -> None:
        """Read the file once.

        Raises:
            InvalidArgument: A line is not a passage, or an id is there twice; field ``reference``.
        """
        self.file = file
        self._scan()
        self._refuse_repeated_ids()

    def __len__(self) -> int:
        return len(self._starts) - 1

    def __getitem__(self, index: int) -> Passage:  # type: ignore[override] # no slices: they would hold texts
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        index %= len(self)
        start, end = int(self._starts[index]), int(self._starts[index + 1])
        return _parsed(os.pread(self._stream.fileno(), end - start, start))

    def __iter__(self) -> Iterator[Passage]:
        with self.file.open("rb") as stream:
            for line in stream:
                if line.strip():
                    yield _parsed(line)

    def id(self, index: int) -> str:
        """Return the id of a passage without reading the file."""
        return self._ids[int(self._id_starts[index]) : int(self._id_starts[index + 1])].decode()

    def position(self, identifier: str) -> int | None:
        """Return where a passage is, or None where there is none of that id."""
        wanted = _hash(identifier.encode())
        first = int(np.searchsorted(self._hashes, wanted, "left"))
        while first < len(self) and self._hashes[first] == wanted:
            index = int(self._order[first])
            if self.id(index) == identifier:
                return index
            first += 1
        return None

    def descending(self) -> NDArray[np.int64]:
        """Return each passage's rank (N,) when ids are sorted from the last to the first: the order among ties."""
        names = [self.id(index) for index in range(len(self))]
        ranks = np.empty(len(self), np.int64)
        ranks[sorted(range(len(self)), key=names.__getitem__, reverse=True)] = np.arange(len(self))
        return ranks

    def _scan(self) -> None:
        digest = hashlib.sha256()
        starts, hashes, ids, id_starts, offset = [], [], bytearray(), [0], 0
        with self.file.open("rb") as stream:
            for number, line in enumerate(stream, start=1):
                digest.update(line)
                if line.strip():
                    identifier = _checked(line, self.file, number).encode()
                    starts.append(offset)
                    hashes.append(_hash(identifier))
                    ids += identifier
                    id_starts.append(len(ids))
                offset += len(line)
        self._stream = self.file.open("rb")
        self._starts = np.array([*starts, offset], np.int64)
        self._ids, self._id_starts = bytes(ids), np.array(id_starts, np.int64)
        unsorted = np.array(hashes, np.uint64)
        self._order = np.argsort(unsorted, kind="stable")
        self._hashes = unsorted[self._order]
        self.sha256 = digest.hexdigest()

    def _refuse_repeated_ids(self) -> None:
        equal = np.flatnonzero(self._hashes[1:] == self._hashes[:-1])
        pairs = [(self.id(int(self._order[i])), self.id(int(self._order[i + 1]))) for i in equal]
        repeated = sorted({first for first, second in pairs if first == second})
        if repeated:
            raise InvalidArgument.field(
                "reference", f"{self.file} has {len(repeated)} ids more than once: {first_few(repeated)}"
            )


def first_few(names: Sequence[str], most: int = 3) -> str:
    """Return the first names for a message, and how many more there are."""
    shown = ", ".join(f"'{name}'" for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def _hash(identifier: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(identifier, digest_size=8).digest(), "little")


def _parsed(line: bytes) -> Passage:
    row = orjson.loads(line)
    return Passage(row["_id"], row.get("title") or "", row["text"])


def _checked(line: bytes, file: Path, number: int) -> str:
    """Return the id of a line, or say what is wrong with it."""
    identifier = checked_row(line, file, number)["_id"]
    return str(identifier)


def checked_row(line: bytes, file: Path, number: int) -> dict[str, str]:
    """Return a line of a ``.jsonl`` with ``_id`` and ``text``; raise `InvalidArgument` naming file and line."""
    where = f"line {number} of {file}"
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise InvalidArgument.field("reference", f"{where} is not JSON: {error}") from None
    if not isinstance(row, dict) or not isinstance(row.get("_id"), str) or not isinstance(row.get("text"), str):
        raise InvalidArgument.field("reference", f"{where} must have the strings _id and text")
    if not isinstance(row.get("title") or "", str):
        raise InvalidArgument.field("reference", f"{where} has a title that is no string")
    if not row["_id"] or row["_id"].split() != [row["_id"]]:
        raise InvalidArgument.field("reference", f"{where} has the _id {row['_id']!r}: ids are words without spaces")
    return row
