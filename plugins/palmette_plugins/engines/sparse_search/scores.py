"""The scores that come with the suite."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.func import functional_call, grad, vmap

from palmette_plugins.api.task import Batch
from palmette_plugins.datasets.batches import gather, ordered_batches, to_device
from palmette_plugins.engines.batches import epoch_order
from palmette_plugins.engines.optimizers import build_optimizer
from palmette_plugins.engines.seeding import seeded_generator
from palmette_plugins.engines.sparse_search.scoring import Scene, Score
from palmette_plugins.engines.sparse_search.spaces import Masks
from palmette_plugins.engines.sparsity.masks import RemovedWeights, masked_optimizer_hook, set_bias_masks, set_masks


class LossAtInit(Score):
    """The loss of the untrained sub-network on the search batch."""

    higher_is_better: ClassVar[bool] = False

    def scores(self, scene: Scene, masks: Sequence[Masks]) -> list[float]:
        """Return the mean loss of each."""
        sums = [0.0] * len(masks)
        for outputs, batch in scene.outputs(masks):
            size = scene.task.batch_size(batch)
            for index, answer in enumerate(outputs):
                sums[index] += size * float(scene.task.loss(answer, batch))
        return [total / scene.examples for total in sums]


class AccuracyAtInit(Score):
    """The accuracy of the untrained sub-network on the search batch; for tasks that measure it."""

    higher_is_better: ClassVar[bool] = True

    def scores(self, scene: Scene, masks: Sequence[Masks]) -> list[float]:
        """Return the accuracy of each, in [0, 1]."""
        meters = [scene.task.meter() for _ in masks]
        for outputs, batch in scene.outputs(masks):
            for meter, answer in zip(meters, outputs, strict=True):
                meter.update(answer, batch)
        return [meter.compute()["accuracy"] for meter in meters]


class GradNorm(Score):
    """The Euclidean norm of the loss's gradient over the living weights, on the search batch."""

    higher_is_better: ClassVar[bool] = True

    def scores(self, scene: Scene, masks: Sequence[Masks]) -> list[float]:
        """Return the norm of each."""
        stacked = scene.masked(masks)
        sums = {name: torch.zeros_like(tensor) for name, tensor in stacked.items()}
        for batch in scene.batches:
            scene.check()
            share = scene.task.batch_size(batch) / scene.examples
            for name, gradient in self._gradients(scene, stacked, batch).items():
                sums[name] += share * gradient
        squares = torch.zeros(len(masks), device=next(iter(sums.values())).device)
        for name, total in sums.items():
            living = torch.stack([mask[name] for mask in masks]).to(total.device)
            squares += (total * living).flatten(1).square().sum(dim=1)
        return [math.sqrt(value) for value in squares.tolist()]

    def _gradients(self, scene: Scene, stacked: dict[str, Tensor], batch: Batch) -> dict[str, Tensor]:
        def loss(masked: dict[str, Tensor]) -> Tensor:
            return scene.task.loss(functional_call(scene.module, masked, scene.task.inputs(batch)), batch)

        if scene.batched:
            together: dict[str, Tensor] = vmap(grad(loss))(stacked)
            return together
        count = len(next(iter(stacked.values())))
        single = [grad(loss)({name: tensor[i] for name, tensor in stacked.items()}) for i in range(count)]
        return {name: torch.stack([gradients[name] for gradients in single]) for name in stacked}


class ShortTraining(Score):
    """The loss on the validation split after a few steps of training, the same batches for all."""

    higher_is_better: ClassVar[bool] = False

    def scores(self, scene: Scene, masks: Sequence[Masks]) -> list[float]:
        """Return the validation loss of each."""
        return [self._score(scene, mask) for mask in masks]

    def _score(self, scene: Scene, masks: Masks) -> float:
        module = copy.deepcopy(scene.module).requires_grad_(True)
        set_masks(module, _of(masks, ".weight"))
        set_bias_masks(module, _of(masks, ".bias"))
        optimizer = build_optimizer(module, scene.recipe)
        hook = masked_optimizer_hook(optimizer, RemovedWeights(module))
        for batch in _first_batches(scene):
            scene.check()
            optimizer.zero_grad(set_to_none=True)
            scene.task.loss(module(*scene.task.inputs(batch)), batch).backward()
            optimizer.step()
        hook.remove()
        return _mean_loss(scene, module)


def _first_batches(scene: Scene) -> list[Batch]:
    split: Any = scene.data["train"]
    device = next(scene.module.parameters()).device
    batches: list[Batch] = []
    epoch = 0
    while len(batches) < scene.steps:
        generator = seeded_generator(scene.seed, f"short training/{epoch}")
        order = epoch_order(len(split), scene.recipe.batch_size, generator)
        batches += [to_device(gather(split, indices), device) for indices in order]
        epoch += 1
    return batches[: scene.steps]


def _mean_loss(scene: Scene, module: torch.nn.Module) -> float:
    total, examples = 0.0, 0
    device = next(module.parameters()).device
    with torch.no_grad():
        for part in ordered_batches(scene.data["validation"], 1000):
            batch = to_device(part, device)
            size = scene.task.batch_size(batch)
            total += size * float(scene.task.loss(module(*scene.task.inputs(batch)), batch))
            examples += size
    return total / examples


def _of(masks: Masks, ending: str) -> dict[str, Tensor]:
    return {name.removesuffix(ending): mask for name, mask in masks.items() if name.endswith(ending)}
