"""A multi-layer perceptron on flattened inputs."""

from __future__ import annotations

import math
import re
from typing import Annotated

from pydantic import Field, field_validator
from torch import Tensor, nn

from palmette_plugins.api.data import DataInfo
from palmette_plugins.api.reference_parameters import ReferenceParameters
from palmette_plugins.architectures.zoo.family import Family


class MLP(nn.Module):
    """Linear layers with ReLU between them."""

    def __init__(self, in_features: int, hidden: tuple[int, ...], num_classes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        width = in_features
        for size in hidden:
            layers += [nn.Linear(width, size), nn.ReLU()]
            width = size
        self.layers = nn.Sequential(*layers, nn.Linear(width, num_classes))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (B, classes) for inputs (B, ...)."""
        logits: Tensor = self.layers(x.flatten(1))
        return logits


class MLPParameters(ReferenceParameters):
    """`hidden` are the widths of the hidden layers, such as ``256,256``."""

    in_features: int = Field(784, ge=1, le=100_000_000)
    num_classes: int = Field(10, ge=1, le=1_000_000)
    hidden: tuple[Annotated[int, Field(ge=1, le=1_000_000)], ...] = (256, 256)

    @field_validator("hidden", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part for part in value.split(",") if part) if isinstance(value, str) else value


class MLPFamily(Family[MLPParameters]):
    """``mlp``."""

    names = ("mlp",)
    pattern = re.compile("mlp")
    tasks = frozenset({"classification"})
    Parameters = MLPParameters

    def build(self, name: str, parameters: MLPParameters) -> nn.Module:
        """Build the perceptron."""
        return MLP(parameters.in_features, parameters.hidden, parameters.num_classes)

    def from_data(self, data: DataInfo) -> dict[str, int]:
        """Return input features (all numbers of one input) and classes."""
        return {"in_features": math.prod(data.input_shape), "num_classes": data.num_classes}

    def input_shape(self, parameters: MLPParameters) -> tuple[int, ...]:
        """Return one flat input."""
        return (parameters.in_features,)
