"""Which layers of a target are twice those of a small network, and which cannot be grown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torch import nn

from palmette_plugins.engines.template_mixing.mixture import Grid

_BATCH_NORMS = nn.modules.batchnorm._BatchNorm
_GRID_OF_FACTORS = {(2, 2): Grid.FULL, (2, 1): Grid.OUTPUTS, (1, 2): Grid.INPUTS}


@dataclass(frozen=True)
class GrowthPlan:
    """How to grow a network.

    Attributes:
        grids: Layer name -> how its blocks lie in the target.
        problems: What cannot be grown, one sentence a layer; growth needs none.
    """

    grids: dict[str, Grid]
    problems: tuple[str, ...]


def plan_growth(small: nn.Module, target: nn.Module) -> GrowthPlan:
    """Compare the layers of the two networks, which bear the same names. Weights are not looked at."""
    targets = dict(target.named_modules())
    grids: dict[str, Grid] = {}
    problems: list[str] = []
    for name, layer in _layers_with_state(small):
        grown = targets.get(name)
        grid = _grid(layer, grown) if type(grown) is type(layer) and grown is not None else None
        problem = _problem(layer, grown, grid)
        if problem:
            problems.append(f"layer '{name}' cannot be grown: {problem}")
        elif grid is not None:
            grids[name] = grid
    return GrowthPlan(grids, tuple(problems))


def _layers_with_state(module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    for name, layer in module.named_modules():
        if any(True for _ in layer.parameters(recurse=False)) or any(True for _ in layer.buffers(recurse=False)):
            yield name, layer


def _grid(small: nn.Module, target: nn.Module) -> Grid | None:
    if not isinstance(small, (nn.Conv2d, nn.Linear)) or not isinstance(target, (nn.Conv2d, nn.Linear)):
        return None
    (o, i, *kernel), (grown_o, grown_i, *grown_kernel) = small.weight.shape, target.weight.shape
    if kernel != grown_kernel or grown_o % o or grown_i % i:
        return None
    return _GRID_OF_FACTORS.get((grown_o // o, grown_i // i))


def _problem(small: nn.Module, target: nn.Module | None, grid: Grid | None) -> str:
    """Return why the layer cannot be grown, or an empty string."""
    if target is None or type(target) is not type(small):
        return "the target has no such layer"
    if isinstance(small, _BATCH_NORMS) and isinstance(target, _BATCH_NORMS):
        twice = target.num_features == 2 * small.num_features
        return "" if twice else _not_twice(target.num_features, small.num_features)
    if not isinstance(small, (nn.Conv2d, nn.Linear)) or not isinstance(target, (nn.Conv2d, nn.Linear)):
        return f"{type(small).__name__} is not a convolution, a linear layer or a batch norm"
    if isinstance(small, nn.Conv2d) and (small.groups != 1 or small.padding_mode != "zeros"):
        return f"a convolution in {small.groups} groups and padding '{small.padding_mode}'; 1 and 'zeros' are needed"
    if grid is None:
        return _not_twice(list(target.weight.shape[:2]), list(small.weight.shape[:2]))
    return ""


def _not_twice(target: object, small: object) -> str:
    return f"its width {target} is not twice {small}, that of the half network"
