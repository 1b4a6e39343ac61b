"""What the synchronous calls of pruning and growth answer."""

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
