"""GraSP: how much gradient flow goes with a weight (Wang et al., 2020, equation 8)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from palmette_plugins.api.task import Batch, Task
from palmette_plugins.engines.saliency.gradients import batch_statistics, loss_gradients
from palmette_plugins.engines.saliency.weights import tensors

TEMPERATURE = 200.0  # of the logits: keeps the softmax away from saturation at initialisation


def grasp_scores(
    module: nn.Module, names: Sequence[str], task: Task, batch: Batch, temperature: float = TEMPERATURE
) -> dict[str, Tensor]:
    """Return w (H g) for every entry of the named parameters; larger means: keep. The module is left as it was.

    The paper's score is s = -w (H g) and the weights with the largest s are removed; this is -s, so that all
    criteria here point the same way.
    """
    products = hessian_gradient_product(module, names, task, batch, temperature)
    return {n: p.detach() * h for n, p, h in zip(names, tensors(module, names), products, strict=True)}


def hessian_gradient_product(
    module: nn.Module, names: Sequence[str], task: Task, batch: Batch, temperature: float = 1.0
) -> list[Tensor]:
    """Return H g over the named parameters, g = dL/dw and H = d2L/dw2, from a backward through <g, stop_grad(g)>."""
    parameters = tensors(module, names)
    with batch_statistics(module):
        gradients = loss_gradients(module, parameters, task, batch, temperature=temperature, create_graph=True)
        inner = torch.stack([(g * g.detach()).sum() for g in gradients]).sum()
        return list(torch.autograd.grad(inner, parameters, allow_unused=True, materialize_grads=True))
