"""Which of a job's figures matter most, and which belong into one chart."""

from __future__ import annotations

from collections.abc import Mapping

_SPLITS = ("test", "validation", "val", "train", "")
_QUALITIES = ("accuracy", "bits_per_byte", "score", "recall", "ndcg", "loss")


def headline(metrics: Mapping[str, float], most: int = 3) -> list[tuple[str, float]]:
    """Return the figures to show where there is room for few: quality on held-out data first."""
    return sorted(metrics.items(), key=lambda item: (_rank(item[0]), item[0]))[:most]


def _rank(name: str) -> tuple[int, int]:
    split, _, quality = name.rpartition("/")
    split = split.rpartition("/")[2]
    split_rank = _SPLITS.index(split) if split in _SPLITS else len(_SPLITS)
    quality_rank = next((at for at, word in enumerate(_QUALITIES) if word in quality), len(_QUALITIES))
    return quality_rank, split_rank


def curve(metrics: Mapping[str, float]) -> str:
    """Return the name of the figure whose course says most about a running job, or the empty string."""
    names = sorted(metrics, key=lambda name: (_rank(name), name))
    return names[0] if names else ""
