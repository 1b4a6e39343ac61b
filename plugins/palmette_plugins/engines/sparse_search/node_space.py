"""Node masks: which nodes every hidden layer keeps at a sparsity, and the parameters that die with the others."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from palmette_plugins.engines.channels import ChannelGraph

Shapes = Mapping[str, tuple[int, ...]]  # layer -> shape of its weight


class NodeMasks:
    """From living nodes to masks of parameters.

    Attributes:
        graph: The channel graph of the network.
        shapes: The shape of every weight by layer.
    """

    def __init__(self, module: nn.Module, graph: ChannelGraph) -> None:
        self.graph = graph
        self.shapes = {name: tuple(module.get_submodule(name).get_parameter("weight").shape) for name in graph.links}
        self._vectors = {
            f"{layer}.{name}": group.name
            for group in graph.groups.values()
            for layer in (*group.producers, *group.followers)
            for name, parameter in module.get_submodule(layer).named_parameters(recurse=False)
            if parameter.ndim == 1
        }

    def of(self, nodes: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return a mask per parameter (bool, True = lives); `nodes` are the living ones of each group, int64.

        Parameters that no node's death touches have none.
        """
        alive = {name: _alive(group.size, nodes[name]) for name, group in self.graph.groups.items()}
        masks = {}
        for layer, link in self.graph.links.items():
            if link.source is None and link.target is None:
                continue
            mask = torch.ones(self.shapes[layer], dtype=torch.bool)
            if link.target is not None:
                mask[~alive[link.target]] = False
            if link.source is not None:
                mask[:, ~alive[link.source].repeat_interleave(link.spread)] = False
            masks[f"{layer}.weight"] = mask
        return masks | {name: alive[group].clone() for name, group in self._vectors.items()}

    def living_weights(self, kept: Mapping[str, int]) -> int:
        """Return how many weights live when each group keeps so many nodes."""
        return round(sum(_living(self.graph, self.shapes, layer, kept) for layer in self.graph.links))


def _alive(size: int, nodes: Tensor) -> Tensor:
    alive = torch.zeros(size, dtype=torch.bool)
    alive[nodes] = True
    return alive


def _living(graph: ChannelGraph, shapes: Shapes, layer: str, kept: Mapping[str, float]) -> float:
    """Return the living weights of one layer; counts of nodes may be fractions."""
    link, (outputs, inputs, *kernel) = graph.links[layer], shapes[layer]
    made = float(outputs) if link.target is None else kept[link.target]
    read = float(inputs) if link.source is None else kept[link.source] * link.spread
    return made * read * math.prod(kernel)


def kept_fraction(graph: ChannelGraph, shapes: Shapes, sparsity: float) -> float:
    """Return the share q of the nodes of every hidden layer at which (1 - sparsity) of all weights live.

    Found by bisection of the continuous count, in which a layer of n nodes keeps q n of them.
    """
    target = (1.0 - sparsity) * _count(graph, shapes, 1.0)
    low, high = 0.0, 1.0
    if target >= _count(graph, shapes, high):
        return 1.0
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if _count(graph, shapes, middle) < target else (low, middle)
    return (low + high) / 2


def kept_nodes(graph: ChannelGraph, shapes: Shapes, sparsity: float) -> dict[str, int]:
    """Return how many nodes each group keeps: max(1, round(q n_l))."""
    q = kept_fraction(graph, shapes, sparsity)
    return {name: max(1, _rounded(q * group.size)) for name, group in graph.groups.items()}


def starved_group(graph: ChannelGraph, shapes: Shapes, sparsity: float) -> str | None:
    """Return the smallest group if less than half a node of it would be left; else None."""
    q = kept_fraction(graph, shapes, sparsity)
    smallest = min(graph.groups.values(), key=lambda group: group.size)
    return smallest.name if _rounded(q * smallest.size) < 1 else None


def feasible_sparsity(graph: ChannelGraph, shapes: Shapes) -> float:
    """Return the largest sparsity at which every group keeps a node, rounded down to four digits."""
    q = 0.5 / min(group.size for group in graph.groups.values())
    most = 1.0 - _count(graph, shapes, q) / _count(graph, shapes, 1.0)
    digits = math.floor(most * 1e4) / 1e4
    return digits if starved_group(graph, shapes, digits) is None else digits - 1e-4


def _count(graph: ChannelGraph, shapes: Shapes, q: float) -> float:
    kept = {name: q * group.size for name, group in graph.groups.items()}
    return sum(_living(graph, shapes, layer, kept) for layer in graph.links)


def _rounded(value: float) -> int:
    return math.floor(value + 0.5)
