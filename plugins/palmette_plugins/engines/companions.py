"""Modules that train beside a model and do not belong to it, such as the discriminator of a distillation."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
from accelerate import Accelerator
from torch import nn


class Companions:
    """The companions of one training run, by name, on its device."""

    def __init__(self, modules: Mapping[str, nn.Module], device: torch.device) -> None:
        self._modules = {name: module.to(device) for name, module in modules.items()}

    def join(self, optimizer: torch.optim.Optimizer) -> None:
        """Add the trainable parameters that the optimizer does not have yet, with the optimizer's own settings."""
        known = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
        fresh = [parameter for parameter in self._parameters() if id(parameter) not in known]
        if fresh:
            optimizer.add_param_group({"params": fresh})
            optimizer.param_groups[-1]["initial_lr"] = optimizer.param_groups[-1]["lr"]

    def train(self) -> None:
        """Put every companion into training mode."""
        for module in self._modules.values():
            module.train()

    def share_gradients(self, accelerator: Accelerator) -> None:
        """Average the gradients over the processes; the wrapper that does it for the model does not see these."""
        if accelerator.num_processes == 1:
            return
        for parameter in self._parameters():
            if parameter.grad is not None:
                parameter.grad = accelerator.reduce(parameter.grad, reduction="mean")

    def state_dict(self) -> dict[str, Any]:
        """Return a copy of every companion's state, by name."""
        return {name: copy.deepcopy(module.state_dict()) for name, module in self._modules.items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over what `state_dict` returned."""
        for name, module in self._modules.items():
            module.load_state_dict(state[name])

    def _parameters(self) -> list[nn.Parameter]:
        return [p for module in self._modules.values() for p in module.parameters() if p.requires_grad]
