"""A collection as a folder: ``corpus.jsonl``, ``queries.jsonl``, ``qrels/<split>.tsv`` (the BEIR layout)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import orjson

from palmette_plugins.api.errors import InvalidArgument
from palmette_plugins.datasets.collections.judgements import SPLITS, Judgements, read_judgements, refuse_unknown
from palmette_plugins.datasets.collections.passages import Corpus, Passage, checked_row

CORPUS, QUERIES, JUDGEMENTS = "corpus.jsonl", "queries.jsonl", "qrels"


@dataclass(frozen=True)
class Collection:
    """A collection, checked.

    Attributes:
        name: What tables call it.
        corpus: Its passages.
        queries: Texts of all queries by id, judged or not.
        judgements: By split, ``train``, ``validation`` and ``test``; empty where nothing was judged.
    """

    name: str
    corpus: Corpus
    queries: Mapping[str, str]
    judgements: Mapping[str, Judgements]

    def judged_queries(self, split: str) -> dict[str, str]:
        """Return id and text of the queries that a split judges, in its order."""
        return {query: self.queries[query] for query in self.judgements[split]}

    @property
    def fingerprint(self) -> str:
        """SHA-256 over passages, queries and judgements, in hex."""
        digest = hashlib.sha256(self.corpus.sha256.encode())
        for part in (self.queries, self.judgements):
            digest.update(orjson.dumps(part, option=orjson.OPT_SORT_KEYS))
        return digest.hexdigest()


def judgement_files(folder: Path) -> dict[str, Path]:
    """Return the files with judgements by split.

    Raises:
        InvalidArgument: A file of the layout is missing; the message says which.
    """
    for name in (CORPUS, QUERIES):
        if not (folder / name).is_file():
            raise InvalidArgument.field("reference", f"{folder} has no {name}")
    files = {
        split: path
        for split, names in SPLITS.items()
        for path in (folder / JUDGEMENTS / f"{name}.tsv" for name in reversed(names))
        if path.is_file()
    }
    if not files:
        raise InvalidArgument.field("reference", f"{folder} has no {JUDGEMENTS}/test.tsv (nor train.tsv, dev.tsv)")
    return files


def read_collection(folder: Path, name: str = "") -> Collection:
    """Return the collection of a folder, whose every line was looked at. It is remembered while no file changes.

    Raises:
        InvalidArgument: A file is missing, a line is not what it should be, an id is there twice, or something
            unknown was judged; field ``reference``.
    """
    files = judgement_files(folder)
    watched = [folder / CORPUS, folder / QUERIES, *files.values()]
    state = tuple((path.stat().st_mtime_ns, path.stat().st_size) for path in watched)
    return _read(folder, name or folder.name, state)


@lru_cache(maxsize=16)
def _read(folder: Path, name: str, state: tuple[tuple[int, int], ...]) -> Collection:
    files = judgement_files(folder)
    judgements = {split: read_judgements(files[split]) if split in files else {} for split in SPLITS}
    queries = _queries(folder / QUERIES)
    corpus = Corpus(folder / CORPUS)
    for split, file in files.items():
        refuse_unknown(judgements[split], corpus, queries, file)
    return Collection(name, corpus, queries, judgements)


def write_collection(
    folder: Path,
    passages: Iterable[Passage],
    queries: Mapping[str, str],
    judgements: Mapping[str, Judgements],
) -> None:
    """Write a collection; passages are written as they come, one at a time. Equal content gives equal files."""
    (folder / JUDGEMENTS).mkdir(parents=True, exist_ok=True)
    with (folder / CORPUS).open("wb") as stream:
        for passage in passages:
            stream.write(orjson.dumps({"_id": passage.id, "title": passage.title, "text": passage.text}) + b"\n")
    with (folder / QUERIES).open("wb") as stream:
        for query, text in queries.items():
            stream.write(orjson.dumps({"_id": query, "text": text}) + b"\n")
    for split, judged in judgements.items():
        rows = [f"{query}\t{passage}\t{grade}" for query, grades in judged.items() for passage, grade in grades.items()]
        header = "query-id\tcorpus-id\tscore"
        (folder / JUDGEMENTS / f"{SPLITS[split][-1]}.tsv").write_text("\n".join([header, *rows, ""]), encoding="utf-8")


def _queries(file: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    repeated: list[str] = []
    with file.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            if line.strip():
                row = checked_row(line, file, number)
                if row["_id"] in found:
                    repeated.append(row["_id"])
                found[row["_id"]] = row["text"]
    if repeated:
        raise InvalidArgument.field("reference", f"{file} has {len(repeated)} ids more than once: '{repeated[0]}'")
    return found
