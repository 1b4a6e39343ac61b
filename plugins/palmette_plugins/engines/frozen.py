"""Networks that only answer: guides and teachers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from palmette_plugins.engines.precision import resolve_precision
from palmette_plugins.engines.recipe import Precision

_DTYPES = {Precision.BF16: torch.bfloat16, Precision.FP16: torch.float16}


class Frozen:
    """A network in evaluation mode on a device, called without gradients in the precision of a training run.

    Nothing of it changes: no gradients, no batch statistics.

    Attributes:
        module: The network.
    """

    def __init__(self, module: nn.Module, device: torch.device, precision: Precision) -> None:
        self.module = module.to(device).to(memory_format=torch.channels_last).eval().requires_grad_(False)
        self._device = device
        self._dtype = _DTYPES.get(resolve_precision(precision, device))

    @torch.no_grad()
    def __call__(self, *inputs: Tensor) -> Any:
        """Return the network's outputs."""
        with torch.autocast(self._device.type, self._dtype, enabled=self._dtype is not None):
            return self.module(*inputs)
