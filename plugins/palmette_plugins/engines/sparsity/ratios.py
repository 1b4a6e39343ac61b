"""Layer-wise densities: how a total density is shared among the layers (Liu et al., 2022, section 3.1).

Every rule takes the maskable layers and the total density D and returns one density d_l per layer, with
sum_l d_l n_l = D sum_l n_l up to float rounding (n_l = number of weights; the rules that rank weights: up to
rounding D sum_l n_l to whole weights). How many whole weights a layer keeps is decided in `plan`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum

import torch
from torch import Tensor

from palmette_plugins.engines.sparsity.layers import LayerShape

CLASSIFIER_DENSITY = 0.2  # uniform_plus: what the classifier keeps at least


class Ratio(StrEnum):
    """A rule for layer-wise densities."""

    UNIFORM = "uniform"
    UNIFORM_PLUS = "uniform_plus"
    ER = "er"
    ERK = "erk"
    ERK_PLUS = "erk_plus"
    SNIP_RATIO = "snip_ratio"
    GRASP_RATIO = "grasp_ratio"

    @property
    def needs_data(self) -> bool:
        """The rule looks at gradients of the loss on a batch."""
        return self in (Ratio.SNIP_RATIO, Ratio.GRASP_RATIO)


class BudgetTooSmallError(ValueError):
    """What a rule keeps in certain layers leaves nothing for the others; `kept` and `starved` are their names."""

    def __init__(self, kept: Sequence[str], starved: Sequence[str]) -> None:
        super().__init__(kept, starved)
        self.kept = tuple(kept)
        self.starved = tuple(starved)


def uniform(shapes: Sequence[LayerShape], density: float) -> list[float]:
    """Return D for every layer."""
    return [density] * len(shapes)


def uniform_plus(shapes: Sequence[LayerShape], density: float) -> list[float]:
    """Keep the first convolution dense and at least 20 % of the classifier; the rest shares what is left, equally.

    Raises:
        BudgetTooSmallError: Nothing is left for the rest, or there is no rest that could give way.
    """
    fixed: dict[int, float] = {}
    first = next((index for index, shape in enumerate(shapes) if shape.convolution), None)
    if first is not None:
        fixed[first] = 1.0
    if density < CLASSIFIER_DENSITY:
        fixed |= {index: CLASSIFIER_DENSITY for index, shape in enumerate(shapes) if shape.classifier}
    return _share_rest(shapes, density, fixed, [1.0] * len(shapes))


def erdos_renyi(shapes: Sequence[LayerShape], density: float) -> list[float]:
    """Return d_l = eps (c_out + c_in) / (c_out c_in), at most 1; eps makes the total D."""
    return _share_rest(shapes, density, {}, [er_raw(shape) for shape in shapes])


def erdos_renyi_kernel(shapes: Sequence[LayerShape], density: float) -> list[float]:
    """Return d_l = eps (c_out + c_in + k_h + k_w) / (c_out c_in k_h k_w), at most 1; eps makes the total D."""
    return _share_rest(shapes, density, {}, [erk_raw(shape) for shape in shapes])


def erdos_renyi_kernel_plus(shapes: Sequence[LayerShape], density: float) -> list[float]:
    """Return ERK's densities with the classifier dense.

    Raises:
        BudgetTooSmallError: The classifier alone holds as much as D allows.
    """
    fixed = {index: 1.0 for index, shape in enumerate(shapes) if shape.classifier}
    return _share_rest(shapes, density, fixed, [erk_raw(shape) for shape in shapes])


def er_raw(shape: LayerShape) -> float:
    """Return (c_out + c_in) / (c_out c_in)."""
    return (shape.shape[0] + shape.shape[1]) / (shape.shape[0] * shape.shape[1])


def erk_raw(shape: LayerShape) -> float:
    """Return the sum of the weight's dimensions over their product; for linear layers that is ER."""
    return sum(shape.shape) / shape.weights


def scaled_to_total(raw: Sequence[float], weights: Sequence[int], total: float) -> tuple[float, list[float]]:
    """Return (eps, densities) with densities min(1, eps raw_l) and sum_l density_l n_l = `total`.

    Whenever the largest eps raw_l exceeds 1, all layers with that raw value become dense and eps is solved again
    over the rest. Clipping at 1 alone would lose the total.
    """
    dense: set[int] = set()
    while True:
        rest = [index for index in range(len(raw)) if index not in dense]
        if not rest:
            return 1.0 / min(raw, default=1.0), [1.0] * len(raw)
        left = total - sum(weights[index] for index in dense)
        eps = left / sum(raw[index] * weights[index] for index in rest)
        largest = max(raw[index] for index in rest)
        if eps * largest <= 1.0:
            return eps, [1.0 if index in dense else eps * raw[index] for index in range(len(raw))]
        dense |= {index for index in rest if raw[index] == largest}


def score_densities(scores: Sequence[Tensor]) -> Callable[[float], list[float]]:
    """Return the rule that ranks all weights by `scores` (larger = keep), keeps the best, and forgets which.

    Ties are broken by position, so that the total is met exactly.
    """
    owners = torch.cat([torch.full((score.numel(),), index) for index, score in enumerate(scores)])
    ranked = owners[
        torch.cat([score.detach().float().flatten().cpu() for score in scores]).argsort(descending=True, stable=True)
    ]

    def densities(density: float) -> list[float]:
        kept = torch.bincount(ranked[: round(density * len(ranked))], minlength=len(scores))
        return [int(count) / score.numel() for count, score in zip(kept, scores, strict=True)]

    return densities


DATA_FREE_RULES: dict[Ratio, Callable[[Sequence[LayerShape], float], list[float]]] = {
    Ratio.UNIFORM: uniform,
    Ratio.UNIFORM_PLUS: uniform_plus,
    Ratio.ER: erdos_renyi,
    Ratio.ERK: erdos_renyi_kernel,
    Ratio.ERK_PLUS: erdos_renyi_kernel_plus,
}


def _share_rest(
    shapes: Sequence[LayerShape], density: float, fixed: dict[int, float], raw: Sequence[float]
) -> list[float]:
    """Give `fixed` layers their densities and share the rest of the budget in proportion to `raw`."""
    if density >= 1.0:
        return [1.0] * len(shapes)
    weights = [shape.weights for shape in shapes]
    left = density * sum(weights) - sum(share * weights[index] for index, share in fixed.items())
    rest = [index for index in range(len(shapes)) if index not in fixed]
    if left <= 0 or not rest:
        raise BudgetTooSmallError(
            kept=[shapes[index].name for index in fixed], starved=[shapes[index].name for index in rest]
        )
    _, shared = scaled_to_total([raw[index] for index in rest], [weights[index] for index in rest], left)
    return [fixed[index] if index in fixed else shared[rest.index(index)] for index in range(len(shapes))]
