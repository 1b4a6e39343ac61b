"""Windows of whole sentences: long passages in parts that an encoder can read."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from palmette_plugins.datasets.collections.passages import Passage

SENTENCES, STEP = 10, 5
_END = re.compile(r"(?<=[.!?])\s+(?=\S)")


def sentences(text: str) -> list[str]:
    """Return the sentences of a text: what ends with a full stop, a question or an exclamation mark."""
    return [sentence for sentence in _END.split(text.strip()) if sentence]


def window_texts(passage: Passage, size: int = SENTENCES, step: int = STEP) -> list[str]:
    """Return the windows of a passage, each after its title; at least one."""
    parts = sentences(passage.text)
    starts = range(0, max(1, len(parts) - size + step), step)
    return [f"{passage.title} {' '.join(parts[start : start + size])}".strip() for start in starts]


def windows_of(passages: Iterable[Passage]) -> tuple[list[str], NDArray[np.int64]]:
    """Return all windows, and the position of the passage that each belongs to."""
    texts: list[str] = []
    owners: list[int] = []
    for position, passage in enumerate(passages):
        windows = window_texts(passage)
        texts += windows
        owners += [position] * len(windows)
    return texts, np.array(owners, np.int64)
