"""Residual networks without their shortcuts: the plain networks that residual ones are compared with."""

from __future__ import annotations

from torch import Tensor, nn

from palmette_plugins.api.errors import InvalidArgument


class NoShortcut(nn.Module):
    """Takes the place of a shortcut: whatever comes in, nothing is added to the block's function."""

    def forward(self, x: Tensor) -> Tensor:
        """Return a zero that broadcasts."""
        return x.new_zeros(())


def remove_shortcuts(module: nn.Module, name: str) -> None:
    """Make every residual block of a timm ResNet its function alone, in place.

    Raises:
        InvalidArgument: It has no such blocks; `name` says which model in the message.
    """
    from timm.models import resnet

    blocks = [part for part in module.modules() if isinstance(part, (resnet.BasicBlock, resnet.Bottleneck))]
    if not blocks:
        raise InvalidArgument.field(
            "reference", f"{name} is no ResNet of timm, so shortcuts=false has nothing to remove; leave it out"
        )
    for block in blocks:
        block.downsample = NoShortcut()
