"""Taps: the layer outputs of a network that are compared, before normalisation and activation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from palmette_plugins.architectures.residual import is_transformer_layer
from palmette_plugins.engines.profiling.execution import watch_forward
from palmette_plugins.engines.sparsity.layers import is_weighted

_RECURRENT = (nn.RNNBase, nn.RNNCellBase)


def tap_names(module: nn.Module, inputs: Sequence[Tensor]) -> list[str]:
    """Return the names of the tapped modules in the order in which they run, without the last, which gives the logits.

    Tapped are convolutions, linear layers, adaptive pooling, recurrent and attention layers, transformer layers and
    layer norms. Works for modules on the ``meta`` device too.

    Args:
        module: The network.
        inputs: Positional arguments of its forward, a batch of one example.
    """
    parts = dict(module.named_modules())
    return [name for name in watch_forward(module, inputs) if name and is_tap(parts[name])][:-1]


def is_tap(module: nn.Module) -> bool:
    """Tell whether a module's output is tapped."""
    if is_weighted(module) or is_transformer_layer(module):
        return True
    if isinstance(module, (*_RECURRENT, nn.LayerNorm, nn.MultiheadAttention)):
        return True
    name = type(module).__name__
    if "Adaptive" in name and "Pool" in name:
        return not any(is_tap(part) for part in module.children())  # timm wraps the pooling that counts
    return name.endswith("Attention")


class Recorder:
    """Keeps the outputs of some modules of a network during its forward passes.

    Attributes:
        outputs: The latest output of each tap that ran, a tensor (n, ...) with its graph.
    """

    def __init__(self, module: nn.Module, names: Sequence[str]) -> None:
        self._module = module
        self._names = tuple(names)
        self.outputs: dict[str, Tensor] = {}

    @contextmanager
    def recording(self) -> Iterator[dict[str, Tensor]]:
        """Record inside the block; the hooks and what they kept are gone after it."""
        parts = dict(self._module.named_modules())
        handles = [parts[name].register_forward_hook(self._keep(name)) for name in self._names]
        try:
            yield self.outputs
        finally:
            for handle in handles:
                handle.remove()
            self.outputs.clear()

    def _keep(self, name: str) -> Any:
        def hook(_module: nn.Module, _arguments: Any, output: Any) -> None:
            self.outputs[name] = first_tensor(output)

        return hook


def first_tensor(output: Any) -> Tensor:
    """Return the output itself, or the first tensor of several (a recurrent layer returns its state too)."""
    if isinstance(output, Tensor):
        return output
    values = output.values() if isinstance(output, dict) else output
    return next(value for value in values if isinstance(value, torch.Tensor))
