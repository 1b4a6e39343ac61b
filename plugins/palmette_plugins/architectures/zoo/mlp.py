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

_DEEPEST = 1000


class MLP(nn.Module):
    """Linear layers, each but the last followed by batch norm (if asked for), ReLU and dropout (if above 0)."""

    def __init__(
        self,
        in_features: int,
        hidden: tuple[int, ...],
        num_classes: int,
        *,
        batch_norm: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        width = in_features
        for size in hidden:
            layers.append(nn.Linear(width, size))
            if batch_norm:
                layers.append(nn.BatchNorm1d(size))
            layers.append(nn.ReLU())
            if dropout:
                layers.append(nn.Dropout(dropout))
            width = size
        self.layers = nn.Sequential(*layers, nn.Linear(width, num_classes))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (B, classes) for inputs (B, ...)."""
        logits: Tensor = self.layers(x.flatten(1))
        return logits


class MLPParameters(ReferenceParameters):
    """`hidden` are the widths of the hidden layers, such as ``256,256``; ``1024x3`` is short for three of 1024."""

    in_features: int = Field(784, ge=1, le=100_000_000)
    num_classes: int = Field(10, ge=1, le=1_000_000)
    hidden: tuple[Annotated[int, Field(ge=1, le=1_000_000)], ...] = Field((256, 256), max_length=_DEEPEST)
    batch_norm: bool = False
    dropout: float = Field(0.0, ge=0, lt=1)

    @field_validator("hidden", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(width for part in value.split(",") if part for width in _repeated(part))


class MLPFamily(Family[MLPParameters]):
    """``mlp``."""

    names = ("mlp",)
    pattern = re.compile("mlp")
    tasks = frozenset({"classification"})
    Parameters = MLPParameters

    def build(self, name: str, parameters: MLPParameters) -> nn.Module:
        """Build the perceptron."""
        return MLP(
            parameters.in_features,
            parameters.hidden,
            parameters.num_classes,
            batch_norm=parameters.batch_norm,
            dropout=parameters.dropout,
        )

    def from_data(self, data: DataInfo) -> dict[str, int]:
        """Return input features (all numbers of one input) and classes."""
        return {"in_features": math.prod(data.input_shape), "num_classes": data.num_classes}

    def input_shape(self, parameters: MLPParameters) -> tuple[int, ...]:
        """Return one flat input."""
        return (parameters.in_features,)


def _repeated(part: str) -> list[str]:
    """Return the widths that one part stands for; what is no number of times stays for pydantic to refuse."""
    width, times, count = part.partition("x")
    return [width] * int(count) if times and count.isdigit() and int(count) <= _DEEPEST else [part]
