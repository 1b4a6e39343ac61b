"""Plain networks of inverted bottlenecks: MobileNetV3, ProxylessNAS, and what is cut from their supernets."""

from __future__ import annotations

import re

from pydantic import Field
from torch import nn

from palmette_plugins.api.errors import InvalidArgument
from palmette_plugins.architectures.mobile.network import BlockChoice, MobileNet
from palmette_plugins.architectures.zoo.family import ImageFamily
from palmette_plugins.architectures.zoo.frame_parameters import FRAME_NAMES, FrameParameters, Numbers
from palmette_plugins.architectures.zoo.initialisation import kaiming_normal


class MobileParameters(FrameParameters):
    """What each block is.

    `depths` are the blocks of each stage; `expands` and `kernels` those of each block in order, or one for all.
    With a `resolution` the network brings its images to that size itself.
    """

    depths: Numbers = (4,)
    expands: Numbers = (6,)
    kernels: Numbers = (3,)
    resolution: int | None = Field(None, ge=1, le=4096)

    def blocks(self, name: str) -> list[list[BlockChoice]]:
        """Return the blocks of each stage; raise `InvalidArgument` (field ``reference``) for impossible ones."""
        stages = self.frame(name).stages
        depths = list(self.depths)
        if len(depths) == 1:
            depths = [stage.fixed_depth or depths[0] for stage in stages]
        if len(depths) != len(stages):
            raise InvalidArgument.field("reference", f"'zoo:{name}' has {len(stages)} stages, but {len(depths)} depths")
        expands, kernels = _of_each_block(name, self, sum(depths))
        if min(expands) < 2 or any(kernel % 2 == 0 or kernel < 3 for kernel in kernels):
            raise InvalidArgument.field(
                "reference", f"'zoo:{name}': expands must be at least 2, and kernels odd and at least 3"
            )
        blocks = iter([BlockChoice(*pair) for pair in zip(expands, kernels, strict=True)])
        return [[next(blocks) for _ in range(depth)] for depth in depths]


def _of_each_block(name: str, parameters: MobileParameters, count: int) -> tuple[list[int], list[int]]:
    lists = []
    for field in ("expands", "kernels"):
        values = list(getattr(parameters, field))
        values = values * count if len(values) == 1 else values
        if len(values) != count:
            raise InvalidArgument.field("reference", f"'zoo:{name}' has {count} blocks, but {len(values)} {field}")
        lists.append(values)
    return lists[0], lists[1]


class MobileFamily(ImageFamily[MobileParameters]):
    """``mbv3``, ``proxyless``, ``mobile-small`` and ``mobile``, which takes its widths and strides as parameters."""

    names = FRAME_NAMES
    pattern = re.compile("|".join(FRAME_NAMES))
    Parameters = MobileParameters

    def check(self, name: str, parameters: MobileParameters) -> None:
        """Refuse blocks that do not fit the frame."""
        parameters.blocks(name)

    def build(self, name: str, parameters: MobileParameters) -> nn.Module:
        """Build the network."""
        network = MobileNet(
            parameters.frame(name),
            parameters.blocks(name),
            parameters.in_channels,
            parameters.num_classes,
            parameters.resolution,
        )
        kaiming_normal(network)
        return network
