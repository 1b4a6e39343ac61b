"""Spaces of sparse sub-networks at one sparsity: which masks there are, and how one is drawn."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from enum import StrEnum

import torch
from torch import Tensor, nn

from palmette_plugins.engines.channels import channel_graph
from palmette_plugins.engines.sparse_search.node_space import NodeMasks, kept_nodes
from palmette_plugins.engines.sparsity.draw import draw_exact
from palmette_plugins.engines.sparsity.layers import LayerShape, layer_shapes
from palmette_plugins.engines.sparsity.plan import PlannedLayer, plan_sparsity
from palmette_plugins.engines.sparsity.ratios import Ratio

Masks = dict[str, Tensor]  # name of a parameter -> bool, True = kept; parameters without a mask are dense


class Space(StrEnum):
    """What a mask removes."""

    NODE = "node"
    EDGE = "edge"
    ERK = "erk"


class MaskSpace(ABC):
    """All masks of one kind at one sparsity.

    Attributes:
        kept: Weights of linear layers and convolutions that every mask of the space keeps.
        weights: All of them.
        size: Number of different masks.
    """

    kept: int
    weights: int
    size: int

    @abstractmethod
    def draw(self, generator: torch.Generator) -> Masks:
        """Return one mask of the space, all equally likely."""

    @property
    def density(self) -> float:
        """Share of the weights that is kept."""
        return self.kept / self.weights


class NodeSpace(MaskSpace):
    """Every hidden layer keeps a subset of its nodes, the same share of each; a weight lives when both ends live.

    Attributes:
        nodes: Group of nodes -> how many of them stay.
    """

    def __init__(self, module: nn.Module, sparsity: float) -> None:
        self.masks = NodeMasks(module, channel_graph(module))
        self.nodes = kept_nodes(self.masks.graph, self.masks.shapes, sparsity)
        sizes = {name: group.size for name, group in self.masks.graph.groups.items()}
        self.weights = sum(math.prod(shape) for shape in self.masks.shapes.values())
        self.kept = self.masks.living_weights(self.nodes)
        self.size = math.prod(math.comb(sizes[name], kept) for name, kept in self.nodes.items())

    def draw(self, generator: torch.Generator) -> Masks:
        """Return the masks of weights, biases and normalisations for uniformly drawn nodes."""
        return self.masks.of(self.draw_nodes(generator))

    def draw_nodes(self, generator: torch.Generator) -> dict[str, Tensor]:
        """Return the nodes that stay by group: indices in rising order, drawn without replacement."""
        return {
            name: torch.randperm(group.size, generator=generator)[: self.nodes[name]].sort().values
            for name, group in self.masks.graph.groups.items()
        }


class WeightSpace(MaskSpace):
    """Every layer keeps a given number of its weights, anywhere."""

    def __init__(self, layers: Sequence[PlannedLayer]) -> None:
        self.layers = tuple(layers)
        self.weights = sum(layer.weights for layer in layers)
        self.kept = sum(layer.kept for layer in layers)
        self.size = math.prod(math.comb(layer.weights, layer.kept) for layer in layers)

    def draw(self, generator: torch.Generator) -> Masks:
        """Return the masks of all weights, drawn without replacement layer by layer."""
        return {f"{layer.name}.weight": draw_exact(layer, generator) for layer in self.layers}


def mask_space(kind: Space, module: nn.Module, sparsity: float) -> MaskSpace:
    """Return the space of masks of `module` at `sparsity`, in [0, 1).

    Raises:
        InvalidArgument: A layer would keep nothing, or the nodes of a layer cannot be followed.
    """
    if kind is Space.NODE:
        return NodeSpace(module, sparsity)
    shapes = layer_shapes(module)
    if kind is Space.ERK:
        return WeightSpace(plan_sparsity(shapes, Ratio.ERK, 1.0 - sparsity).layers)
    return WeightSpace([_uniform(shape, 1.0 - sparsity) for shape in shapes])


def _uniform(shape: LayerShape, density: float) -> PlannedLayer:
    kept = max(1, math.floor(density * shape.weights + 0.5))
    return PlannedLayer(shape.name, shape.shape, shape.weights, density, kept)
