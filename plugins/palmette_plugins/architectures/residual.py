"""Residual blocks, and which blocks of a network can go without changing any shape."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from torch import nn


class ResidualBlock(nn.Module):
    """Base of the zoo's residual blocks: output = function(input) + shortcut(input)."""

    @property
    def has_identity_shortcut(self) -> bool:
        """Whether the shortcut passes its input on unchanged, so that the whole block can be left out."""
        raise NotImplementedError


def removable_blocks(module: nn.Module) -> list[str]:
    """Return the names of the blocks whose input and output have equal shapes by construction, in order.

    These are residual blocks with an identity shortcut (of the zoo and of timm's ResNets) and the layers of
    transformers (timm's and Hugging Face's).
    """
    return [name for name, block in _blocks(module) if _keeps_shape(block)]


def _blocks(module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Yield the members of every sequence of modules: only those can be left out."""
    for parent_name, parent in module.named_modules():
        if isinstance(parent, (nn.Sequential, nn.ModuleList)):
            for child_name, child in parent.named_children():
                yield f"{parent_name}.{child_name}" if parent_name else child_name, child


def _keeps_shape(block: nn.Module) -> bool:
    if isinstance(block, ResidualBlock):
        return block.has_identity_shortcut
    if isinstance(block, _types("timm.models.resnet", "BasicBlock", "Bottleneck")):
        return getattr(block, "downsample", None) is None
    return is_transformer_layer(block)


def is_transformer_layer(module: nn.Module) -> bool:
    """Tell whether a module is a whole layer of a transformer (timm's, Hugging Face's or torch's)."""
    kinds = (
        *_types("timm.models.vision_transformer", "Block", "ResPostBlock"),
        *_types("transformers.modeling_layers", "GradientCheckpointingLayer"),
        nn.TransformerEncoderLayer,
    )
    return isinstance(module, kinds)


def _types(module_name: str, *names: str) -> tuple[type[Any], ...]:
    """Return classes of a library, or nothing where it was never imported (then no model can be made of it)."""
    module = sys.modules.get(module_name)
    return tuple(getattr(module, name) for name in names if hasattr(module, name)) if module else ()
