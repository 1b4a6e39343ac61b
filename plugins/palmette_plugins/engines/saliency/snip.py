"""SNIP: connection sensitivity |w dL/dw| on one batch (Lee et al., 2019, equation 6, not normalised)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from palmette_plugins.api.task import Batch, Task
from palmette_plugins.engines.saliency.gradients import batch_statistics, loss_gradients
from palmette_plugins.engines.saliency.weights import tensors


def snip_scores(module: nn.Module, names: Sequence[str], task: Task, batch: Batch) -> dict[str, Tensor]:
    """Return |w dL/dw| for every entry of the named parameters; larger means: keep. The module is left as it was."""
    parameters = tensors(module, names)
    with batch_statistics(module):
        gradients = loss_gradients(module, parameters, task, batch)
    return {n: (p.detach() * g).abs() for n, p, g in zip(names, parameters, gradients, strict=True)}
