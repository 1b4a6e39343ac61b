"""A plain network of inverted bottlenecks: one member of a search space."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional as F

from palmette_plugins.architectures.mobile.blocks import MobileBlock, activation_layer
from palmette_plugins.architectures.mobile.frame import Frame


class BlockChoice(NamedTuple):
    """What may vary in one block."""

    expand: int
    kernel: int


Blocks = Sequence[Sequence[BlockChoice]]  # the blocks of each stage


def resized(x_BCHW: Tensor, resolution: int | None) -> Tensor:
    """Return images in another size (bilinear); as they are with None, or if they have that size."""
    if resolution is None or tuple(x_BCHW.shape[2:]) == (resolution, resolution):
        return x_BCHW
    return F.interpolate(x_BCHW, size=(resolution, resolution), mode="bilinear", align_corners=False)


class MobileTrunk(nn.Module):
    """Stem, first block and head of a frame; subclasses put the stages between them.

    Attributes:
        frame: What it was built from.
    """

    def __init__(self, frame: Frame, in_channels: int, num_classes: int) -> None:
        super().__init__()
        self.frame = frame
        outer = frame.outer_activation
        self.stem = nn.Sequential(
            nn.Conv2d(in_channels, frame.stem_width, 3, frame.stem_stride, 1, bias=False),
            nn.BatchNorm2d(frame.stem_width),
            activation_layer(outer),
        )
        self.first = MobileBlock(
            frame.stem_width, frame.first_width, 1, expand=1, kernel=3, activation=frame.first_activation
        )
        self.stages = nn.ModuleList()
        self.feature = nn.Sequential(
            nn.Conv2d(frame.stages[-1].width, frame.feature_width, 1, bias=False),
            nn.BatchNorm2d(frame.feature_width),
            activation_layer(outer),
        )
        self.head = nn.Sequential()
        if frame.head_width:
            self.head = nn.Sequential(
                nn.Conv2d(frame.feature_width, frame.head_width, 1, bias=False), activation_layer(outer)
            )
        self.dropout = nn.Dropout(frame.dropout)
        self.classifier = nn.Linear(frame.head_width or frame.feature_width, num_classes)

    def before_stages(self, x_BCHW: Tensor) -> Tensor:
        """Return what the first stage sees."""
        y_BCHW: Tensor = self.first(self.stem(x_BCHW))
        return y_BCHW

    def after_stages(self, x_BCHW: Tensor) -> Tensor:
        """Return logits (B, classes)."""
        pooled_BC11 = self.feature(x_BCHW).mean(dim=(2, 3), keepdim=True)
        logits: Tensor = self.classifier(self.dropout(self.head(pooled_BC11).flatten(1)))
        return logits


class MobileNet(MobileTrunk):
    """A network with these blocks; it brings its input to its `resolution` itself, if it has one.

    Attributes:
        resolution: Side of the images that it computes on, in pixels; None for those that come.
    """

    def __init__(
        self, frame: Frame, blocks: Blocks, in_channels: int, num_classes: int, resolution: int | None = None
    ) -> None:
        super().__init__(frame, in_channels, num_classes)
        self.resolution = resolution
        width = frame.first_width
        for stage, chosen in zip(frame.stages, blocks, strict=True):
            built: list[nn.Module] = []
            for index, block in enumerate(chosen):
                built.append(
                    MobileBlock(
                        width,
                        stage.width,
                        stage.stride if index == 0 else 1,
                        expand=block.expand,
                        kernel=block.kernel,
                        activation=stage.activation,
                        squeeze_excite=stage.squeeze_excite,
                    )
                )
                width = stage.width
            self.stages.append(nn.Sequential(*built))

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return logits (B, classes)."""
        y_BCHW = self.before_stages(resized(x_BCHW, self.resolution))
        for stage in self.stages:
            y_BCHW = stage(y_BCHW)
        return self.after_stages(y_BCHW)
