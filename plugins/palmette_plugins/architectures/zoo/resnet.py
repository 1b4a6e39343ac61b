"""ResNets for small images (He et al., 2016, section 4.2): three stages of basic blocks."""

from __future__ import annotations

import re

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from palmette_plugins.api.errors import InvalidArgument
from palmette_plugins.api.references import Reference
from palmette_plugins.architectures.residual import ResidualBlock
from palmette_plugins.architectures.zoo.family import ImageFamily, ImageParameters
from palmette_plugins.architectures.zoo.initialisation import kaiming_normal


class BasicBlock(ResidualBlock):
    """Two 3x3 convolutions with batch norms; where shapes change, the shortcut is a 1x1 convolution with one."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            convolution = nn.Conv2d(in_channels, out_channels, 1, stride, bias=False)
            self.shortcut = nn.Sequential(convolution, nn.BatchNorm2d(out_channels))

    @property
    def has_identity_shortcut(self) -> bool:
        """Whether no convolution sits in the shortcut."""
        return isinstance(self.shortcut, nn.Identity)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return the block's output."""
        y_BCHW = F.relu(self.bn1(self.conv1(x_BCHW)))
        return F.relu(self.bn2(self.conv2(y_BCHW)) + self.shortcut(x_BCHW))


class ResNet(nn.Module):
    """Stem, three stages at widths w, 2w, 4w, global average, linear classifier."""

    def __init__(self, blocks_per_stage: int, width: int, in_channels: int, num_classes: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.stages = nn.ModuleList()
        channels = width
        for stage in range(3):
            out_channels = width * 2**stage
            blocks: list[nn.Module] = []
            for index in range(blocks_per_stage):
                stride = 2 if stage > 0 and index == 0 else 1
                blocks.append(BasicBlock(channels, out_channels, stride))
                channels = out_channels
            self.stages.append(nn.Sequential(*blocks))
        self.fc = nn.Linear(channels, num_classes)
        kaiming_normal(self)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return logits (B, classes)."""
        y_BCHW = F.relu(self.bn1(self.conv1(x_BCHW)))
        for stage in self.stages:
            y_BCHW = stage(y_BCHW)
        logits: Tensor = self.fc(y_BCHW.mean(dim=(2, 3)))
        return logits


class ResNetParameters(ImageParameters):
    """`width` is the width of the first stage."""

    width: int = Field(16, ge=1, le=4096)


class ResNetFamily(ImageFamily[ResNetParameters]):
    """``resnet<depth>`` with depth 6n + 2."""

    names = ("resnet20", "resnet32", "resnet44", "resnet56", "resnet110")
    pattern = re.compile(r"resnet(\d{1,4})")
    Parameters = ResNetParameters

    def check(self, name: str, parameters: ResNetParameters) -> None:
        """Refuse depths that three equal stages cannot have."""
        depth = _depth(name)
        if depth < 8 or (depth - 2) % 6:
            nearest = max(8, round((depth - 2) / 6) * 6 + 2)
            raise InvalidArgument.field(
                "reference", f"'zoo:{name}': the depth must be 6n + 2; the nearest is resnet{nearest}"
            )

    def build(self, name: str, parameters: ResNetParameters) -> nn.Module:
        """Build ``resnet<depth>``."""
        return ResNet((_depth(name) - 2) // 6, parameters.width, parameters.in_channels, parameters.num_classes)

    def width_factor(self, name: str, parameters: ResNetParameters) -> int | None:
        """Return the first stage's width."""
        return parameters.width

    def with_width_factor(self, reference: Reference, factor: int) -> Reference:
        """Return the reference with another `width`."""
        return reference.with_parameters(width=factor)


def _depth(name: str) -> int:
    return int(name.removeprefix("resnet"))
