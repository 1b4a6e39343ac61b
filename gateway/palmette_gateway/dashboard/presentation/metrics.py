"""Which of a job's figures matter most, and which belong into one chart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_SPLITS = ("test", "", "validation", "val", "train")
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


_MORE_IS_BETTER = ("accuracy", "recall", "ndcg", "mrr", "map", "precision", "f1", "auc", "psnr", "throughput")
_LESS_IS_BETTER = ("loss", "error", "_ms", "latency", "parameters", "nonzeros", "macs", "size", "bits_per_byte", "ece")


def best(name: str, values: Sequence[float]) -> float | None:
    """Return the best of several values of a figure, or None where more is neither better nor worse."""
    if not values or len(set(values)) < 2:
        return None
    last = name.rpartition("/")[2]
    if any(word in last for word in _MORE_IS_BETTER):
        return max(values)
    if any(word in last for word in _LESS_IS_BETTER):
        return min(values)
    return None
