"""Which of a job's many metrics to show where there is room for few."""

from __future__ import annotations

from collections.abc import Mapping

_VALIDATION = "validation/"


def headline_metrics(metrics: Mapping[str, float], most: int = 2) -> dict[str, float]:
    """Return the measurements of quality first: those that were followed on the validation split while training.

    Their final values come without the prefix; before the end there are only those with it.
    """
    followed = [name.removeprefix(_VALIDATION) for name in metrics if name.startswith(_VALIDATION)]
    quality = [name if name in metrics else f"{_VALIDATION}{name}" for name in sorted(followed)]
    plain = [name for name in sorted(metrics) if "/" not in name]
    others = [name for name in sorted(metrics) if name not in plain]
    ordered = dict.fromkeys([*quality, *plain, *others])
    return {name: metrics[name] for name in list(ordered)[:most]}
