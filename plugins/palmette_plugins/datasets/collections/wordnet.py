"""``wordnet``: the glosses of Princeton's WordNet as passages; example sentences or words as queries."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar, Literal, cast

from pydantic import Field

from palmette_plugins.api.errors import NotFound
from palmette_plugins.datasets.collections.known_items import CollectionParameters, KnownItem, KnownItems
from palmette_plugins.datasets.collections.passages import Passage

_FOLDER = Path("/usr/share/wordnet")
_PARTS = ("noun", "verb", "adj", "adv")
_EXAMPLE = re.compile(r'"([^"]*)(?:"|$)')  # some are never closed
_MARKER = re.compile(r"\((?:a|p|ip)\)$")  # where an adjective may stand


class WordnetParameters(CollectionParameters):
    """Parameters of ``wordnet``."""

    queries: Literal["examples", "lemmas"] = Field(
        "examples",
        description="examples: sentences -> the sense they use; lemmas: words -> the definitions of their senses",
    )


class Wordnet(KnownItems):
    """117,000 senses: a passage is a sense's words (its title) and its definition.

    With lemmas as queries passages have no title: the words are what is asked for.
    """

    name = "wordnet"
    summary = "117,000 glosses; example sentences or words as queries (Debian's wordnet-base)"
    parameters: ClassVar[type[CollectionParameters]] = WordnetParameters
    group = "dictionary"

    def files(self) -> Sequence[Path]:
        """Return the files of the database."""
        files = [_FOLDER / f"data.{part}" for part in _PARTS]
        if not all(file.is_file() for file in files):
            raise NotFound("wordnet is not installed; on Debian run: apt-get install wordnet-base")
        return files

    def items(self, parameters: CollectionParameters) -> Sequence[KnownItem]:
        """Return all senses."""
        lemmas = cast(WordnetParameters, parameters).queries == "lemmas"
        return _Senses([line for file in self.files() for line in _lines(file)], lemmas)


class _Senses(Sequence[KnownItem]):
    """Senses, parsed as they are taken: most collections are a small part of the database."""

    def __init__(self, lines: Sequence[str], lemmas: bool) -> None:
        self._lines = lines
        self._lemmas = lemmas

    def __len__(self) -> int:
        return len(self._lines)

    def __getitem__(self, index: int) -> KnownItem:  # type: ignore[override] # no slices
        return _item(self._lines[index], self._lemmas)


def _lines(file: Path) -> Iterator[str]:
    with file.open(encoding="utf-8", errors="replace") as stream:
        for line in stream:
            if not line.startswith("  "):  # the licence
                yield line


def _item(line: str, lemmas: bool) -> KnownItem:
    """Return one sense; the columns are those of wndb(5): offset, file, part of speech, count (hex), words, ..."""
    data, _, gloss = line.partition("|")
    columns = data.split()
    words = [_MARKER.sub("", word).replace("_", " ") for word in columns[4 : 4 + 2 * int(columns[3], 16) : 2]]
    examples = tuple(dict.fromkeys(filter(None, (example.strip() for example in _EXAMPLE.findall(gloss)))))
    definition = "; ".join(part for part in (piece.strip() for piece in _EXAMPLE.sub("", gloss).split(";")) if part)
    passage = Passage(f"{columns[2]}{columns[0]}", "" if lemmas else ", ".join(words), definition)
    return KnownItem(passage, tuple(words) if lemmas else examples)
