"""An ensemble of models: the mean of their logits."""

from __future__ import annotations

import re
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from palmette_plugins.api.data import DataInfo
from palmette_plugins.api.errors import InvalidArgument
from palmette_plugins.api.reference_parameters import ReferenceParameters
from palmette_plugins.architectures.zoo.family import Family


class LogitAverage(nn.Module):
    """Runs every member on the same inputs and averages what comes out."""

    def __init__(self, members: Sequence[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, *inputs: Tensor) -> Tensor:
        """Return the mean of the members' logits."""
        return torch.stack([member(*inputs) for member in self.members]).mean(dim=0)


class LogitAverageFamily(Family[ReferenceParameters]):
    """``logit-average``: made of the parts of its model spec, never alone."""

    names = ()
    pattern = re.compile("logit-average")
    tasks = frozenset({"classification", "language-modelling"})
    Parameters = ReferenceParameters

    def build(self, name: str, parameters: ReferenceParameters) -> nn.Module:
        """Refuse: there is nothing to average."""
        raise InvalidArgument.field(
            "reference", "'zoo:logit-average' is made of other models; the method model-averaging makes one"
        )

    def check(self, name: str, parameters: ReferenceParameters) -> None:
        """Accept: members are checked on their own."""

    def compose(self, name: str, parts: list[nn.Module]) -> nn.Module:
        """Build the ensemble."""
        return LogitAverage(parts)

    def from_data(self, data: DataInfo) -> dict[str, int]:
        """Return nothing: the members decide."""
        return {}

    def input_shape(self, parameters: ReferenceParameters) -> tuple[int, ...] | None:
        """Return None: the members decide."""
        return None
