"""What the measurements of a filtering job mean, in sentences."""

from __future__ import annotations

from collections.abc import Mapping

_BASELINES = {"random": "as many random pairs", "none": "the whole pool"}


def reading(metrics: Mapping[str, float]) -> list[str]:
    """Return what to take from the measurements, the most important first.

    The paper's findings (section 3) are where a reader would judge otherwise: a filter's own accuracy does not rank
    filters, the purity of what it was trained on does, and fine-tuning it on trusted sets makes induced models better.
    """
    found = []
    induced = metrics.get("induced/filtered/zero-shot")
    if induced is not None:
        gains = [
            f"{100 * (induced - metrics[f'induced/{name}/zero-shot']):+.1f} points against {what}"
            for name, what in _BASELINES.items()
            if f"induced/{name}/zero-shot" in metrics
        ]
        compared = f" ({', '.join(gains)}, all for the same number of samples)" if gains else ""
        found.append(f"A model trained on the kept pairs is {induced:.1%} accurate, zero-shot{compared}.")
    if "filter/zero-shot" in metrics:
        own = f"The filter itself is {metrics['filter/zero-shot']:.1%} accurate; that does not rank filters."
        better = "Purer clean pairs, and fine-tuning on trusted sets, make better ones."
        judge = "Judge the filter by that." if induced is not None else "Judge it by the models that it induces."
        found += [judge, f"{own} {better}"]
    if "purity/kept" in metrics:
        text = f"Of the kept captions {metrics['purity/kept']:.1%} are known to be right, of the pool's "
        found.append(f"{text}{metrics['purity/pool']:.1%}; {metrics['recall']:.1%} of all right ones are kept.")
    return found
