"""The supernet: one set of weights in which every sub-network of a space lies."""

from __future__ import annotations

from torch import Tensor, nn

from palmette_plugins.architectures.mobile.network import MobileTrunk, resized
from palmette_plugins.engines.elastic.block import ElasticBlock
from palmette_plugins.engines.elastic.space import Choice, Space


class Supernet(MobileTrunk):
    """An elastic network; called without a choice it is its largest sub-network.

    Attributes:
        space: The sub-networks that it has.
        in_channels: Channels of its images.
        num_classes: Classes that it tells apart.
    """

    def __init__(self, space: Space, in_channels: int, num_classes: int) -> None:
        super().__init__(space.frame, in_channels, num_classes)
        self.space, self.in_channels, self.num_classes = space, in_channels, num_classes
        width = space.frame.first_width
        for number, stage in enumerate(space.frame.stages):
            blocks: list[nn.Module] = []
            for index in range(max(space.stage_depths(number))):
                stride = stage.stride if index == 0 else 1
                blocks.append(ElasticBlock(width, stage, stride, space.expands, space.kernels))
                width = stage.width
            self.stages.append(nn.ModuleList(blocks))

    def forward(self, x_BCHW: Tensor, choice: Choice | None = None) -> Tensor:
        """Return the logits (B, classes) of a sub-network, which sees the images at its own resolution."""
        chosen = choice or self.space.largest
        y_BCHW = self.before_stages(resized(x_BCHW, chosen.resolution))
        for stage, blocks in zip(self.stages, chosen.blocks, strict=True):
            # A stage that is not as deep as it could be skips its later blocks.
            for block, chosen_block in zip(stage, blocks, strict=False):  # type: ignore[call-overload]
                y_BCHW = block.run(y_BCHW, chosen_block)
        return self.after_stages(y_BCHW)
