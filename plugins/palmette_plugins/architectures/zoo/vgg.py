"""VGG-16 with batch norm for small images (Simonyan and Zisserman, 2015, configuration D; one linear layer last)."""

from __future__ import annotations

import re

from pydantic import Field
from torch import Tensor, nn

from palmette_plugins.api.references import Reference
from palmette_plugins.architectures.zoo.family import ImageFamily, ImageParameters
from palmette_plugins.architectures.zoo.initialisation import kaiming_normal

# Convolutions per group and their width in units of the first group's.
_GROUPS = ((2, 1), (2, 2), (3, 4), (3, 8), (3, 8))


class VGG(nn.Module):
    """Five groups of 3x3 convolutions with batch norm and ReLU, each group followed by 2x2 pooling."""

    def __init__(self, width: int, in_channels: int, num_classes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = in_channels
        for count, multiple in _GROUPS:
            for _ in range(count):
                layers += [
                    nn.Conv2d(channels, width * multiple, 3, padding=1, bias=False),
                    nn.BatchNorm2d(width * multiple),
                    nn.ReLU(),
                ]
                channels = width * multiple
            # Rounded up, so that images below 32x32 do not vanish; at multiples of 32 it makes no difference.
            layers.append(nn.MaxPool2d(2, ceil_mode=True))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(channels, num_classes)
        kaiming_normal(self)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return logits (B, classes)."""
        logits: Tensor = self.classifier(self.features(x_BCHW).mean(dim=(2, 3)))
        return logits


class VGGParameters(ImageParameters):
    """`width` is the width of the first group."""

    width: int = Field(64, ge=1, le=4096)


class VGGFamily(ImageFamily[VGGParameters]):
    """``vgg16-bn``."""

    names = ("vgg16-bn",)
    pattern = re.compile("vgg16-bn")
    Parameters = VGGParameters

    def build(self, name: str, parameters: VGGParameters) -> nn.Module:
        """Build VGG-16."""
        return VGG(parameters.width, parameters.in_channels, parameters.num_classes)

    def width_factor(self, name: str, parameters: VGGParameters) -> int | None:
        """Return the first group's width."""
        return parameters.width

    def with_width_factor(self, reference: Reference, factor: int) -> Reference:
        """Return the reference with another `width`."""
        return reference.with_parameters(width=factor)
