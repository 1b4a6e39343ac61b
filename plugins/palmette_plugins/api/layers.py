"""Layer types of our own: how they fold into plain layers and how they count.

A layer with state of its own (signs and shifts, block-diagonal factors, experts and a router) derives from
`CustomLayer` beside ``nn.Module``. Masks need no layer type: they are buffers on plain layers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class LayerCount:
    """What a layer costs.

    Attributes:
        parameters: Stored numbers.
        nonzeros: Stored numbers that are not zero.
        macs: Multiply-adds for one input.
        effective_macs: Multiply-adds for one input without those by a zero weight.
    """

    parameters: int
    nonzeros: int
    macs: int
    effective_macs: int


class CustomLayer(ABC):
    """A layer that is not one of torch's own."""

    @abstractmethod
    def materialise(self) -> nn.Module | None:
        """Return plain torch layers with the same function, or None where there are none."""

    @abstractmethod
    def count(self, input_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> LayerCount:
        """Return its cost for one input; shapes are without the batch."""
