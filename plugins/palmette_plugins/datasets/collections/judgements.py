"""Relevance judgements: ``qrels/<split>.tsv``, a header and then query id, passage id and grade."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from palmette_plugins.api.errors import InvalidArgument
from palmette_plugins.datasets.collections.passages import Corpus, first_few

Judgements = Mapping[str, Mapping[str, int]]
"""Query id -> passage id -> grade; above 0 is relevant."""

SPLITS = {"train": ("train",), "validation": ("validation", "dev"), "test": ("test",)}
"""The suite's splits, and the names that their files may have."""


def read_judgements(file: Path) -> dict[str, dict[str, int]]:
    """Return the judgements of a file.

    Raises:
        InvalidArgument: A row has not three columns, a grade is no integer, two rows contradict each other, or no
            grade is positive; field ``reference``.
    """
    found: dict[str, dict[str, int]] = {}
    with file.open(encoding="utf-8") as stream:
        for number, line in enumerate(stream, start=1):
            columns = line.rstrip("\r\n").split("\t")
            if number == 1 or columns == [""]:
                continue
            where = f"line {number} of {file}"
            if len(columns) != 3:
                raise InvalidArgument.field("reference", f"{where} must be query id, passage id and grade, with tabs")
            query, passage, grade = columns
            try:
                value = int(grade)
            except ValueError:
                raise InvalidArgument.field("reference", f"{where} has the grade '{grade}', not an integer") from None
            if found.setdefault(query, {}).setdefault(passage, value) != value:
                raise InvalidArgument.field("reference", f"{where} contradicts an earlier grade of the same pair")
    if not any(grade > 0 for grades in found.values() for grade in grades.values()):
        raise InvalidArgument.field("reference", f"{file} has no positive grade: nothing could be found right")
    return found


def refuse_unknown(judgements: Judgements, corpus: Corpus, queries: Mapping[str, str], file: Path) -> None:
    """Raise `InvalidArgument` where a query or a passage that was judged does not exist."""
    unknown_queries = [query for query in judgements if query not in queries]
    passages = dict.fromkeys(passage for grades in judgements.values() for passage in grades)
    unknown_passages = [passage for passage in passages if corpus.position(passage) is None]
    wrong = [
        f"{len(unknown)} unknown {what}: {first_few(unknown)}"
        for what, unknown in (("queries", unknown_queries), ("passages", unknown_passages))
        if unknown
    ]
    if wrong:
        raise InvalidArgument.field("reference", f"{file} judges {'; '.join(wrong)}")
