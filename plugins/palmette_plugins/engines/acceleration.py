"""The Accelerator of one training run: device, precision, several processes under torchrun."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, GradientState, PartialState
from torch import nn

from palmette_plugins.api.errors import FailedPrecondition
from palmette_plugins.engines.precision import accelerate_name, resolve_precision
from palmette_plugins.engines.recipe import Recipe


@dataclass(frozen=True)
class Prepared:
    """A module and its optimizer, ready to train.

    Attributes:
        accelerator: Runs backward, clips gradients, knows the other processes.
        forward: What to call: the module, wrapped for several processes or compiled.
        optimizer: The optimizer, wrapped for fp16's scaled gradients.
    """

    accelerator: Accelerator
    forward: Callable[..., Any]
    optimizer: torch.optim.Optimizer


@contextmanager
def accelerated(
    module: nn.Module, optimizer: torch.optim.Optimizer, recipe: Recipe, device: torch.device
) -> Iterator[Prepared]:
    """Move `module` and wrap it and `optimizer` as the recipe and the launch need; unwrap the module at the end.

    Inside the block 4-D weights lie channels-last, which convolutions prefer on CPUs and GPUs alike.
    """
    accelerator = _accelerator(recipe, device)
    if accelerator.distributed_type.value not in ("NO", "MULTI_CPU", "MULTI_GPU"):
        raise FailedPrecondition(
            f"training in place cannot shard a model over processes ({accelerator.distributed_type.value}); "
            "launch it with torchrun and no FSDP or DeepSpeed settings"
        )
    module.to(accelerator.device).to(memory_format=torch.channels_last)
    own_forward = vars(module).get("forward")
    wrapped, prepared_optimizer = accelerator.prepare(module, optimizer)
    try:
        forward = torch.compile(wrapped) if recipe.compile else wrapped
        yield Prepared(accelerator, forward, prepared_optimizer)
    finally:
        accelerator.unwrap_model(wrapped, keep_fp32_wrapper=False)
        for attribute in ("_is_accelerate_prepared", "forward"):
            vars(module).pop(attribute, None)  # or a second run of the same module would stay unwrapped
        if own_forward is not None:
            vars(module)["forward"] = own_forward
        module.to(memory_format=torch.contiguous_format)


def _accelerator(recipe: Recipe, device: torch.device) -> Accelerator:
    """Make the accelerator; accelerate keeps one precision per process, so a single process starts afresh."""
    precision = accelerate_name(resolve_precision(recipe.precision, device))
    if not torch.distributed.is_initialized():
        AcceleratorState._reset_state(reset_partial_state=True)
        GradientState._reset_state()
        PartialState._reset_state()
    return Accelerator(mixed_precision=precision, cpu=device.type == "cpu")
