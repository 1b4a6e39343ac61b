"""The sparsity plan: how many whole weights every layer keeps."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from palmette_plugins.api.errors import InvalidArgument
from palmette_plugins.engines.sparsity.layers import LayerShape
from palmette_plugins.engines.sparsity.ratios import DATA_FREE_RULES, BudgetTooSmallError, Ratio, score_densities

Densities = Callable[[float], list[float]]  # total density -> density per layer


@dataclass(frozen=True)
class PlannedLayer:
    """The plan for one layer: `density` is the rule's d_l, `kept` that share in whole weights."""

    name: str
    shape: tuple[int, ...]
    weights: int
    density: float
    kept: int


@dataclass(frozen=True)
class SparsityPlan:
    """The plan for all maskable layers, in order."""

    layers: tuple[PlannedLayer, ...]

    @property
    def maskable(self) -> int:
        """Weights that could be masked."""
        return sum(layer.weights for layer in self.layers)

    @property
    def kept(self) -> int:
        """Weights that are kept."""
        return sum(layer.kept for layer in self.layers)

    @property
    def density(self) -> float:
        """Share of weights that is kept."""
        return self.kept / self.maskable


def plan_sparsity(
    shapes: Sequence[LayerShape], ratio: Ratio, density: float, scores: Mapping[str, Tensor] | None = None
) -> SparsityPlan:
    """Return the plan of a rule at a total density.

    Every layer keeps d_l n_l rounded to a whole number, corrected where the total would miss D n; see
    `whole_weights`.

    Args:
        shapes: The maskable layers.
        ratio: The rule.
        density: D, in (0, 1].
        scores: For the rules that look at gradients: a score per weight by layer name, larger = keep.

    Raises:
        InvalidArgument: A layer would keep no weight; names it and the smallest density at which none does.
    """
    if not shapes:
        raise InvalidArgument.field(
            "inputs.model", "has no maskable layer: masks go on the weights of convolution and linear layers"
        )
    rule = _rule(shapes, ratio, scores)
    try:
        shares = rule(density)
    except BudgetTooSmallError as error:
        starved = f", which leaves none for {_named(error.starved)}" if error.starved else ""
        message = f"{ratio} keeps more of {_named(error.kept)} than {density:g} of all weights{starved}"
        raise _too_small(message, shapes, rule) from None
    counts = _whole(shapes, shares)
    empty = [shape.name for shape, count in zip(shapes, counts, strict=True) if count < 1]
    if empty:
        raise _too_small(f"at {density:g} {ratio} would leave no weight in {_named(empty)}", shapes, rule)
    return SparsityPlan(
        tuple(
            PlannedLayer(shape.name, shape.shape, shape.weights, share, count)
            for shape, share, count in zip(shapes, shares, counts, strict=True)
        )
    )


def whole_weights(targets: Sequence[float], limits: Sequence[int]) -> list[int]:
    """Round `targets` (d_l n_l) so that they add up to their rounded sum.

    Each is rounded by itself; that may miss the sum by up to half a weight per layer. What is missing or too much
    is then added or taken one by one where rounding moved a target farthest the other way, without emptying a
    layer, filling one that rounding left empty, or exceeding a layer's limit n_l.
    """
    counts = [min(math.floor(target + 0.5), limit) for target, limit in zip(targets, limits, strict=True)]
    missing = math.floor(math.fsum(targets) + 0.5) - sum(counts)
    step = 1 if missing > 0 else -1
    for _ in range(abs(missing)):
        movable = [i for i in range(len(counts)) if (0 < counts[i] < limits[i] if step > 0 else counts[i] > 1)]
        if not movable:  # nothing but empty layers, full ones and ones with a single weight: the total decides
            movable = [i for i in range(len(counts)) if (counts[i] < limits[i] if step > 0 else counts[i] > 0)]
        counts[max(movable, key=lambda i: step * (targets[i] - counts[i]))] += step
    return counts


def smallest_feasible_density(shapes: Sequence[LayerShape], rule: Densities) -> float:
    """Return the smallest density at which every layer keeps a weight, rounded up to four digits."""

    def feasible(density: float) -> bool:
        try:
            return min(_whole(shapes, rule(density))) >= 1
        except BudgetTooSmallError:
            return False

    low, high = 0.0, 1.0
    while high - low > 1e-5 * high:
        middle = (low + high) / 2
        low, high = (low, middle) if feasible(middle) else (middle, high)
    unit = 10.0 ** (math.floor(math.log10(high)) - 3)
    steps = math.ceil(high / unit)
    while not feasible(min(1.0, steps * unit)):  # in a network of a few weights the total may empty a layer
        steps += 1
    return min(1.0, float(f"{steps * unit:.4g}"))


def _rule(shapes: Sequence[LayerShape], ratio: Ratio, scores: Mapping[str, Tensor] | None) -> Densities:
    if ratio.needs_data:
        if scores is None:
            raise ValueError(f"{ratio} needs scores")
        return score_densities([scores[shape.name] for shape in shapes])
    return lambda density: DATA_FREE_RULES[ratio](shapes, density)


def _whole(shapes: Sequence[LayerShape], shares: Sequence[float]) -> list[int]:
    """Return how many weights every layer keeps."""
    weights = [shape.weights for shape in shapes]
    return whole_weights([share * count for share, count in zip(shares, weights, strict=True)], weights)


def _too_small(message: str, shapes: Sequence[LayerShape], rule: Densities) -> InvalidArgument:
    smallest = smallest_feasible_density(shapes, rule)
    return InvalidArgument.field("config.density", f"{message}; the smallest density for this model is {smallest:g}")


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"layer '{names[0]}'{more}"
