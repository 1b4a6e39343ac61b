"""Every layer of one network against every layer of another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from palmette_plugins.engines.representations.similarity import Distance
from palmette_plugins.engines.representations.taps import first_tensor, tap_names


@dataclass(frozen=True)
class Comparison:
    """Similarities between layers.

    Attributes:
        first: Layers of the first network, in order of execution.
        second: Layers of the second.
        similarity: (len(first), len(second)), float32 on the CPU.
    """

    first: tuple[str, ...]
    second: tuple[str, ...]
    similarity: Tensor


def compare(first: nn.Module, second: nn.Module, inputs: Sequence[Tensor], distance: Distance) -> Comparison:
    """Compare two networks on a batch of `inputs`, the positional arguments of both; logits are left out.

    Both run in evaluation mode and stay as they are.
    """
    ours, theirs = layer_matrices(first, inputs, distance), layer_matrices(second, inputs, distance)
    rows = [[float(distance.similarity_of(a, b)) for b in theirs.values()] for a in ours.values()]
    return Comparison(tuple(ours), tuple(theirs), torch.tensor(rows, dtype=torch.float32))


@torch.no_grad()
def layer_matrices(module: nn.Module, inputs: Sequence[Tensor], distance: Distance) -> dict[str, Tensor]:
    """Return each layer's matrix (see `Distance.matrix`) by name.

    Computed while the network runs, so that only one layer's output is in memory at a time.
    """
    names = tap_names(module, [tensor[:1] for tensor in inputs])
    matrices: dict[str, Tensor] = {}

    def keep(name: str) -> Any:
        def hook(_module: nn.Module, _arguments: Any, output: Any) -> None:
            matrices[name] = distance.matrix(first_tensor(output))

        return hook

    flags = {part: part.training for part in module.modules()}
    parts = dict(module.named_modules())
    handles = [parts[name].register_forward_hook(keep(name)) for name in names]
    module.eval()
    try:
        module(*inputs)
    finally:
        for handle in handles:
            handle.remove()
        for part, training in flags.items():
            part.training = training
    return {name: matrices[name] for name in names}
