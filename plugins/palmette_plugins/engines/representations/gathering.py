"""Representations of the whole batch where several processes hold a part of it each."""

from __future__ import annotations

import torch
from torch import Tensor


def gathered(features: Tensor) -> Tensor:
    """Return the features (n, ...) of all processes, with gradients to each; unchanged in a single process.

    Similarities depend on the number of examples, so they must be those of the global batch: otherwise a run's
    loss would change with the number of devices.
    """
    if not torch.distributed.is_initialized() or torch.distributed.get_world_size() == 1:
        return features
    from torch.distributed.nn.functional import all_gather

    return torch.cat(all_gather(features.contiguous()))
