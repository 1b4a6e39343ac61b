"""Masks: bool buffers beside the weights, and training that keeps masked weights at exactly 0.

A mask is the buffer ``weight_mask`` of a layer: True where the weight is kept. A layer that loses whole nodes has
``bias_mask`` too. Layers compute with their plain weights, which are 0 where masked; so evaluation, export and
serving need to know nothing of masks, and training only has to put the zeros back after each step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

MASK = "weight_mask"
BIAS_MASK = "bias_mask"


def masked_layers(module: nn.Module) -> dict[str, nn.Module]:
    """Return the layers that carry a mask, by name."""
    return {name: layer for name, layer in module.named_modules() if isinstance(getattr(layer, MASK, None), Tensor)}


def set_masks(module: nn.Module, masks: Mapping[str, Tensor]) -> None:
    """Give the named layers these masks (bool, shaped as their weights) and set masked weights to 0.

    A layer that has a mask gets the new one instead; weights that the old one had removed stay 0.
    """
    _set(module, masks, "weight", MASK)


def set_bias_masks(module: nn.Module, masks: Mapping[str, Tensor]) -> None:
    """Give the named layers these masks over their bias (bool, shaped as it) and set masked entries to 0."""
    _set(module, masks, "bias", BIAS_MASK)


def _set(module: nn.Module, masks: Mapping[str, Tensor], parameter: str, buffer: str) -> None:
    layers = dict(module.named_modules())
    for name, mask in masks.items():
        layer = layers[name]
        masked = layer.get_parameter(parameter)
        if mask.dtype is not torch.bool or mask.shape != masked.shape:
            raise ValueError(
                f"the mask of '{name}' must be bool of shape {tuple(masked.shape)}, "
                f"got {mask.dtype} of shape {tuple(mask.shape)}"
            )
        layer.register_buffer(buffer, mask.to(masked.device))
    apply_masks(module)


def apply_masks(module: nn.Module) -> None:
    """Set every masked weight to 0."""
    RemovedWeights(module).zero()


def density(module: nn.Module) -> float:
    """Return the share of entries that the masks keep, over all layers that carry one; 1 without masks."""
    masks = [getattr(layer, MASK) for layer in masked_layers(module).values()]
    total = sum(mask.numel() for mask in masks)
    return sum(int(mask.sum()) for mask in masks) / total if total else 1.0


class RemovedWeights:
    """Where the masks of a module want zeros, looked up once; masks that are set later are not seen.

    Layers whose mask keeps everything are left out, so that they cost nothing.
    """

    def __init__(self, module: nn.Module) -> None:
        self._pairs: list[tuple[Tensor, Tensor]] = []
        for layer in module.modules():
            for name, buffer in (("weight", MASK), ("bias", BIAS_MASK)):
                mask = getattr(layer, buffer, None)
                if isinstance(mask, Tensor) and not bool(mask.all()):
                    self._pairs.append((layer.get_parameter(name), ~mask))

    def __bool__(self) -> bool:
        return bool(self._pairs)

    @torch.no_grad()
    def zero(self) -> None:
        """Set masked weights to 0."""
        for weight, removed in self._pairs:
            weight.masked_fill_(removed, 0.0)

    @torch.no_grad()
    def zero_gradients(self) -> None:
        """Set the gradients of masked weights to 0: they count neither in norms nor in an optimizer's moments."""
        for weight, removed in self._pairs:
            if weight.grad is not None:
                weight.grad.masked_fill_(removed, 0.0)


@dataclass(frozen=True)
class MaskedHook:
    """Registered hooks; `remove` takes them away."""

    handles: tuple[RemovableHandle, ...]

    def remove(self) -> None:
        """Take the hooks away."""
        for handle in self.handles:
            handle.remove()


def masked_optimizer_hook(optimizer: torch.optim.Optimizer, removed: RemovedWeights) -> MaskedHook:
    """Make every step of `optimizer` leave masked weights at exactly 0.

    Before a step their gradients are set to 0, so that moments there never grow; after it the weights are,
    whatever weight decay and moments from elsewhere did.
    """
    if not removed:
        return MaskedHook(())
    return MaskedHook(
        (
            optimizer.register_step_pre_hook(lambda *_: removed.zero_gradients()),
            optimizer.register_step_post_hook(lambda *_: removed.zero()),
        )
    )
