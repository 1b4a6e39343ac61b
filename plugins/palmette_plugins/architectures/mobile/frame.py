"""The frame of a network of inverted bottlenecks: everything that is the same in all members of a search space."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum


class Activation(StrEnum):
    """What follows a normalisation."""

    RELU = "relu"
    RELU6 = "relu6"
    HSWISH = "hswish"


@dataclass(frozen=True)
class StageFrame:
    """A run of blocks of one width; the first one has the stride.

    Attributes:
        width: Output channels.
        stride: Stride of the first block, 1 or 2.
        activation: Inside its blocks.
        squeeze_excite: Whether its blocks weigh their channels.
        fixed_depth: Number of blocks where it is the same in all members; None where it may vary.
    """

    width: int
    stride: int
    activation: Activation
    squeeze_excite: bool = False
    fixed_depth: int | None = None


@dataclass(frozen=True)
class Frame:
    """Stem, first block, stages and head.

    Attributes:
        stem_width: Channels of the 3x3 stem.
        stem_stride: Its stride.
        first_width: Channels of the first block, which does not expand.
        first_activation: Inside the first block.
        stages: The stages that follow.
        outer_activation: Of stem and head.
        feature_width: Channels of the 1x1 convolution before the global average.
        head_width: Features between average and classifier; 0 where the classifier follows at once.
        dropout: Share of features dropped before the classifier.
    """

    stem_width: int
    stem_stride: int
    first_width: int
    first_activation: Activation
    stages: tuple[StageFrame, ...]
    outer_activation: Activation
    feature_width: int
    head_width: int
    dropout: float = 0.1

    @property
    def reduction(self) -> int:
        """By how much all strides together divide the size of an image."""
        return self.stem_stride * math.prod(stage.stride for stage in self.stages)


_RELU, _RELU6, _HSWISH = Activation.RELU, Activation.RELU6, Activation.HSWISH

MBV3 = Frame(
    stem_width=16,
    stem_stride=2,
    first_width=16,
    first_activation=_RELU,
    stages=(
        StageFrame(24, 2, _RELU),
        StageFrame(40, 2, _RELU, squeeze_excite=True),
        StageFrame(80, 2, _HSWISH),
        StageFrame(112, 1, _HSWISH, squeeze_excite=True),
        StageFrame(160, 2, _HSWISH, squeeze_excite=True),
    ),
    outer_activation=_HSWISH,
    feature_width=960,
    head_width=1280,
)

PROXYLESS = Frame(
    stem_width=32,
    stem_stride=2,
    first_width=16,
    first_activation=_RELU6,
    stages=(
        StageFrame(24, 2, _RELU6),
        StageFrame(40, 2, _RELU6),
        StageFrame(80, 2, _RELU6),
        StageFrame(96, 1, _RELU6),
        StageFrame(192, 2, _RELU6),
        StageFrame(320, 1, _RELU6, fixed_depth=1),
    ),
    outer_activation=_RELU6,
    feature_width=1280,
    head_width=0,
)

# MobileNetV3 for images of about 32x32: it starts at full size, and stops where a map has 4x4 places.
SMALL = Frame(
    stem_width=16,
    stem_stride=1,
    first_width=16,
    first_activation=_RELU,
    stages=(
        StageFrame(24, 2, _RELU),
        StageFrame(40, 2, _RELU, squeeze_excite=True),
        StageFrame(80, 2, _HSWISH, squeeze_excite=True),
    ),
    outer_activation=_HSWISH,
    feature_width=480,
    head_width=640,
)

FRAMES = {"mbv3": MBV3, "proxyless": PROXYLESS, "mobile-small": SMALL}


def custom_frame(
    widths: tuple[int, ...],
    strides: tuple[int, ...],
    *,
    stem_stride: int = 1,
    activation: Activation = _RELU,
    squeeze_excite: tuple[int, ...] = (),
    dropout: float = 0.1,
) -> Frame:
    """Return a frame in MobileNetV3's proportions.

    Args:
        widths: Of stem and first block, then of each stage.
        strides: Of each stage.
        stem_stride: Of the stem.
        activation: Everywhere.
        squeeze_excite: Numbers of the stages with squeeze-and-excitation, from 1.
        dropout: Before the classifier.
    """
    if len(widths) != len(strides) + 1:
        raise ValueError(f"widths needs one more entry than strides (the first block's), got {widths} and {strides}")
    stages = tuple(
        StageFrame(width, stride, activation, number in squeeze_excite)
        for number, (width, stride) in enumerate(zip(widths[1:], strides, strict=True), 1)
    )
    return Frame(
        stem_width=widths[0],
        stem_stride=stem_stride,
        first_width=widths[0],
        first_activation=activation,
        stages=stages,
        outer_activation=activation,
        feature_width=6 * widths[-1],
        head_width=8 * widths[-1],
        dropout=dropout,
    )
