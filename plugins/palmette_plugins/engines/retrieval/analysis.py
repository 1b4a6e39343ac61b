"""From text to terms, much as Lucene's analyser for English does it."""

from __future__ import annotations

import re
from functools import cache

import bm25s.stopwords
import Stemmer

_WORD = re.compile(r"\w+(?:['’.]\w+)*")  # "don't" and "3.5" are words, as in UAX #29
_POSSESSIVE = re.compile(r"['’]s$")
_STOP_WORDS = frozenset(bm25s.stopwords.STOPWORDS_EN)  # Lucene's 33


def english_terms(text: str) -> list[str]:
    """Return the words in lower case without possessives and stop words, by the stemmer of Porter (1980)."""
    words = (_POSSESSIVE.sub("", word) for word in _WORD.findall(text.lower()))
    terms: list[str] = _stemmer().stemWords([word for word in words if word not in _STOP_WORDS])
    return terms


def whitespace_terms(text: str) -> list[str]:
    """Return what stands between blanks."""
    return text.split()


ANALYSERS = {"english": english_terms, "whitespace": whitespace_terms}
"""By the name that a stored index keeps."""


@cache
def _stemmer() -> Stemmer.Stemmer:
    return Stemmer.Stemmer("porter", 100_000)
