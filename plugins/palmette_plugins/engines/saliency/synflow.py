"""SynFlow: the share of an all-ones signal through |W| that passes a weight (Tanaka et al., 2020, section 5)."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from palmette_plugins.api.errors import FailedPrecondition
from palmette_plugins.api.task import Batch, Task
from palmette_plugins.engines.saliency.linearisation import linearise
from palmette_plugins.engines.saliency.weights import tensors


def synflow_scores(module: nn.Module, names: Sequence[str], task: Task, batch: Batch) -> dict[str, Tensor]:
    """Return w dR/dw, R = 1^T prod |W_l| 1, for every entry of the named parameters; larger means: keep.

    Only the shape of `batch` matters. Works on a float64 copy: R grows exponentially with depth.

    Raises:
        FailedPrecondition: R overflows float64.
    """
    linear = linearise(copy.deepcopy(module).double())
    parameters = tensors(linear, names)
    # One example of ones; token ids stay as they are, since the embeddings give ones whatever comes in.
    inputs = [torch.ones_like(x[:1]).double() if x.is_floating_point() else x[:1] for x in task.inputs(batch)]
    flow = linear(*inputs).sum()
    if not torch.isfinite(flow):
        raise FailedPrecondition("SynFlow's signal overflows float64 in this network; use another criterion")
    gradients = torch.autograd.grad(flow, parameters, allow_unused=True, materialize_grads=True)
    return {n: p.detach() * g for n, p, g in zip(names, parameters, gradients, strict=True)}
