"""Scores of untrained sub-networks: many masks in one pass over the search batch."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.utils import _pytree as pytree

from palmette_plugins.api.data import Dataset
from palmette_plugins.api.task import Batch, Task
from palmette_plugins.datasets.batches import gather, to_device
from palmette_plugins.engines.recipe import Recipe
from palmette_plugins.engines.sparse_search.spaces import Masks

CHUNK = 1000  # examples at a time


class Score(ABC):
    """Something that can be told of a sub-network without training it to the end.

    Registered as an entry point of the group ``palmette.scores``.

    Attributes:
        higher_is_better: Whether a search keeps the largest value.
    """

    higher_is_better: ClassVar[bool]

    @abstractmethod
    def scores(self, scene: Scene, masks: Sequence[Masks]) -> list[float]:
        """Return the score of each mask."""


@dataclass
class Scene:
    """Where candidates are scored: the parent at theta_0 and the data that scores see.

    Attributes:
        module: The parent, a copy in evaluation mode whose batch norms use the batch's own statistics.
        task: The task.
        batches: The search batch, in parts on the device; every candidate sees the same parts.
        data: The dataset.
        recipe: How candidates would be trained.
        steps: Steps of scores that train.
        seed: Seed of the order in which scores that train see the examples.
        check: Called now and then; raises when the job was cancelled.
        batched: Several candidates go through one pass.
    """

    module: nn.Module
    task: Task
    batches: list[Batch]
    data: Dataset
    recipe: Recipe
    steps: int
    seed: int
    check: Callable[[], None] = field(default=lambda: None)
    batched: bool = True

    @property
    def examples(self) -> int:
        """Number of examples of the search batch."""
        return sum(self.task.batch_size(batch) for batch in self.batches)

    def masked(self, masks: Sequence[Masks]) -> dict[str, Tensor]:
        """Return theta_0 * mask, stacked over the candidates: parameter name -> (candidates, *shape)."""
        parameters = dict(self.module.named_parameters())
        return {
            name: parameters[name].detach()
            * torch.stack([mask[name] for mask in masks]).to(parameters[name].device, parameters[name].dtype)
            for name in masks[0]
        }

    def outputs(self, masks: Sequence[Masks]) -> Iterator[tuple[list[Any], Batch]]:
        """Yield each part of the search batch with what every candidate answers to it."""
        stacked = self.masked(masks)
        with torch.no_grad():
            for batch in self.batches:
                self.check()
                inputs = self.task.inputs(batch)
                yield self._forward(stacked, inputs, len(masks)), batch

    def _forward(self, stacked: dict[str, Tensor], inputs: tuple[Tensor, ...], count: int) -> list[Any]:
        def run(masked: dict[str, Tensor]) -> Any:
            return functional_call(self.module, masked, inputs)

        if not self.batched or count == 1:
            return [run({name: tensor[i] for name, tensor in stacked.items()}) for i in range(count)]
        together = vmap(run)(stacked)
        return [pytree.tree_map(lambda tensor: tensor[i], together) for i in range(count)]  # noqa: B023


def make_scene(
    module: nn.Module,
    data: Dataset,
    recipe: Recipe,
    *,
    examples: int,
    steps: int,
    seed: int,
    device: torch.device,
    check: Callable[[], None] = lambda: None,
) -> Scene:
    """Return the scene of a parent: its search batch is the first `examples` of the training split, in their order."""
    split: Any = data["train"]
    count = min(examples, len(split))
    parts = [torch.arange(start, min(start + CHUNK, count)) for start in range(0, count, CHUNK)]
    batches = [to_device(gather(split, indices), device) for indices in parts]
    parent = with_batch_statistics(module).to(device)
    return Scene(parent, data.task, batches, data, recipe, steps, seed, check)


def with_batch_statistics(module: nn.Module) -> nn.Module:
    """Return a copy that answers as at initialisation: batch norms have no running statistics yet, nothing drops."""
    copied = copy.deepcopy(module).eval().requires_grad_(False)
    for layer in copied.modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            layer.running_mean = layer.running_var = layer.num_batches_tracked = None
            layer.track_running_stats = False
    return copied


def can_batch(scene: Scene, masks: Masks) -> str:
    """Return why the parent cannot answer for several candidates in one pass; empty where it can."""
    first: Batch = pytree.tree_map(lambda tensor: tensor[:2], scene.batches[0])
    try:
        with torch.no_grad():
            scene._forward(scene.masked([masks, masks]), scene.task.inputs(first), 2)
    except (NotImplementedError, RuntimeError, ValueError) as error:  # an operation without a batching rule
        return str(error).splitlines()[0]
    return ""
