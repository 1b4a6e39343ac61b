"""Wide residual networks (Zagoruyko and Komodakis, 2016): pre-activation blocks, k times as wide."""

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

_STAGE_WIDTHS = (16, 32, 64)


class PreActivationBlock(ResidualBlock):
    """BN, ReLU, 3x3 convolution, twice. Where shapes change the shortcut is a 1x1 convolution after the first ReLU."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Conv2d(in_channels, out_channels, 1, stride, bias=False)

    @property
    def has_identity_shortcut(self) -> bool:
        """Whether no convolution sits in the shortcut."""
        return isinstance(self.shortcut, nn.Identity)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return the block's output."""
        activated_BCHW = F.relu(self.bn1(x_BCHW))
        shortcut_BCHW = x_BCHW if self.has_identity_shortcut else self.shortcut(activated_BCHW)
        y_BCHW = F.relu(self.bn2(self.conv1(activated_BCHW)))
        output_BCHW: Tensor = self.conv2(y_BCHW) + shortcut_BCHW
        return output_BCHW


class WideResNet(nn.Module):
    """Stem, three stages at widths 16k, 32k, 64k, BN, ReLU, global average, linear classifier."""

    def __init__(
        self,
        blocks_per_stage: int,
        factor: int,
        *,
        stem: int,
        in_channels: int,
        num_classes: int,
        classifier_bias: bool,
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, stem, 3, padding=1, bias=False)
        self.stages = nn.ModuleList()
        channels = stem
        for stage, width in enumerate(_STAGE_WIDTHS):
            blocks: list[nn.Module] = []
            for index in range(blocks_per_stage):
                stride = 2 if stage > 0 and index == 0 else 1
                blocks.append(PreActivationBlock(channels, width * factor, stride))
                channels = width * factor
            self.stages.append(nn.Sequential(*blocks))
        self.bn = nn.BatchNorm2d(channels)
        self.fc = nn.Linear(channels, num_classes, bias=classifier_bias)
        kaiming_normal(self)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return logits (B, classes)."""
        y_BCHW = self.conv1(x_BCHW)
        for stage in self.stages:
            y_BCHW = stage(y_BCHW)
        logits: Tensor = self.fc(F.relu(self.bn(y_BCHW)).mean(dim=(2, 3)))
        return logits


class WideResNetParameters(ImageParameters):
    """`stem` is the width of the first convolution, which the factor in the name does not scale."""

    stem: int = Field(16, ge=1, le=65_536)
    classifier_bias: bool = True


class WideResNetFamily(ImageFamily[WideResNetParameters]):
    """``wrn-<depth>-<factor>`` with depth 6n + 4."""

    names = ("wrn-10-1", "wrn-10-2", "wrn-16-4", "wrn-16-8", "wrn-28-4", "wrn-28-10", "wrn-40-4")
    pattern = re.compile(r"wrn-(\d{1,4})-(\d{1,3})")
    Parameters = WideResNetParameters

    def check(self, name: str, parameters: WideResNetParameters) -> None:
        """Refuse depths that three equal stages cannot have, and width 0."""
        depth, factor = _numbers(name)
        if depth < 10 or (depth - 4) % 6 or factor < 1:
            nearest = max(10, round((depth - 4) / 6) * 6 + 4)
            raise InvalidArgument.field(
                "reference",
                f"'zoo:{name}': the depth must be 6n + 4 and the width factor at least 1; "
                f"the nearest is wrn-{nearest}-{max(1, factor)}",
            )

    def build(self, name: str, parameters: WideResNetParameters) -> nn.Module:
        """Build ``wrn-<depth>-<factor>``."""
        depth, factor = _numbers(name)
        return WideResNet(
            (depth - 4) // 6,
            factor,
            stem=parameters.stem,
            in_channels=parameters.in_channels,
            num_classes=parameters.num_classes,
            classifier_bias=parameters.classifier_bias,
        )

    def width_factor(self, name: str, parameters: WideResNetParameters) -> int | None:
        """Return the factor in the name."""
        return _numbers(name)[1]

    def with_width_factor(self, reference: Reference, factor: int) -> Reference:
        """Return another factor in the name, and the stem scaled alike: shapes change where they did before."""
        depth, old = _numbers(reference.target)
        stem, rest = divmod(int(reference.parameters["stem"]) * factor, old)
        if factor < 1 or rest:
            raise InvalidArgument.field(
                "reference",
                f"'{reference}' cannot be scaled from width factor {old} to {factor}: the stem of "
                f"{reference.parameters['stem']} channels would not be whole",
            )
        return Reference(reference.scheme, f"wrn-{depth}-{factor}", {**reference.parameters, "stem": str(stem)})


def _numbers(name: str) -> tuple[int, int]:
    """Return depth and factor."""
    _, depth, factor = name.split("-")
    return int(depth), int(factor)
