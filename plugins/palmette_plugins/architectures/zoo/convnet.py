"""A plain convolutional network: strided 3x3 convolutions and a linear layer; weak on purpose, as a student."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field, field_validator
from torch import Tensor, nn

from palmette_plugins.architectures.zoo.family import ImageFamily, ImageParameters


class ConvNet(nn.Module):
    """3x3 convolutions of stride 2 with ReLU (and batch norm if asked for), global average, linear classifier."""

    def __init__(self, channels: tuple[int, ...], in_channels: int, num_classes: int, *, batch_norm: bool) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for width in channels:
            layers.append(nn.Conv2d(in_channels, width, 3, stride=2, padding=1, bias=not batch_norm))
            if batch_norm:
                layers.append(nn.BatchNorm2d(width))
            layers.append(nn.ReLU())
            in_channels = width
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(in_channels, num_classes)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return logits (B, classes)."""
        logits: Tensor = self.classifier(self.features(x_BCHW).mean(dim=(2, 3)))
        return logits


class ConvNetParameters(ImageParameters):
    """`channels` are the widths of the convolutions, such as ``16,32,32``."""

    channels: tuple[Annotated[int, Field(ge=1, le=65_536)], ...] = Field((16, 32, 32), min_length=1, max_length=16)
    batch_norm: bool = False

    @field_validator("channels", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part for part in value.split(",") if part) if isinstance(value, str) else value


class ConvNetFamily(ImageFamily[ConvNetParameters]):
    """``convnet``."""

    names = ("convnet",)
    pattern = re.compile("convnet")
    Parameters = ConvNetParameters

    def build(self, name: str, parameters: ConvNetParameters) -> nn.Module:
        """Build the network."""
        return ConvNet(
            parameters.channels, parameters.in_channels, parameters.num_classes, batch_norm=parameters.batch_norm
        )
