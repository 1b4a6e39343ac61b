"""What the synchronous calls about models answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class LayerInfo:
    """One layer: shapes without the batch, parameters, multiply-adds for one input, share of weights kept."""

    name: str
    type: str
    weight_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    parameters: int
    nonzeros: int
    macs: int
    density: float
    maskable: bool


@dataclass(frozen=True)
class ModelInspection:
    """A model's layers and totals; MACs are multiply-adds for one input."""

    layers: tuple[LayerInfo, ...]
    parameters: int
    nonzeros: int
    macs: int
    effective_macs: int
    input_shape: tuple[int, ...]
    spec: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class PlannedLayer:
    """The plan for one layer: how many of its weights are kept."""

    name: str
    density: float
    kept: int
    weights: int


@dataclass(frozen=True)
class SparsityPlan:
    """Densities per layer that a method would use."""

    layers: tuple[PlannedLayer, ...]
    density: float
    kept: int
    maskable: int


@dataclass(frozen=True)
class RepresentationComparison:
    """How alike every layer of one model is to every layer of another, on some examples.

    Attributes:
        first_layers: Layers of the first model in order of execution.
        second_layers: Layers of the second.
        similarities: A row for each layer of the first model; at most 1.
        examples: How many examples were compared.
        figure: The matrix as a Vega-Lite specification.
    """

    first_layers: tuple[str, ...]
    second_layers: tuple[str, ...]
    similarities: tuple[tuple[float, ...], ...]
    examples: int
    figure: Mapping[str, Any] = field(default_factory=dict)
