"""How the zoo's convolutional networks start."""

from __future__ import annotations

from torch import nn


def kaiming_normal(module: nn.Module) -> None:
    """Initialise as He et al. (2015) for ReLU: convolutions by fan-out, linear layers by fan-in, biases 0."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(part, nn.Linear):
            nn.init.kaiming_normal_(part.weight, mode="fan_in", nonlinearity="linear")
        else:
            continue
        if part.bias is not None:
            nn.init.zeros_(part.bias)
