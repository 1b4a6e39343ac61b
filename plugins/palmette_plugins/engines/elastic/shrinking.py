"""Progressive shrinking: one step trains several sub-networks at once (Cai et al., 2020, section 3.3)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from palmette_plugins.api.task import Task
from palmette_plugins.architectures.mobile.network import resized
from palmette_plugins.engines.distillation.soft_labels import soft_cross_entropy
from palmette_plugins.engines.elastic.populations import choices, random_genes
from palmette_plugins.engines.elastic.space import Choice, Space
from palmette_plugins.engines.elastic.supernet import Supernet
from palmette_plugins.engines.training import TrainingStep


def draw_subnetworks(space: Space, count: int, seed: int) -> list[Choice]:
    """Draw sub-networks that all see images of one resolution; every dimension is uniform over its values."""
    genes = random_genes(space, count, np.random.default_rng(seed))
    if len(space.resolutions) > 1:
        genes[:, -1] = genes[0, -1]
    return choices(space, genes)


class SampledSubnetworks(nn.Module):
    """A supernet that answers with the logits of several sub-networks while it trains, drawn anew for every batch.

    The draws come from torch's random state, which a training run sets at the start of each epoch.

    Attributes:
        supernet: The weights.
        drawn: The sub-networks of the last training batch.
    """

    def __init__(self, supernet: Supernet, space: Space, count: int) -> None:
        super().__init__()
        self.supernet = supernet
        self.drawn: list[Choice] = []
        self._space, self._count = space, count

    def forward(self, x_BCHW: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Return one tensor of logits (B, classes) for each drawn sub-network; in evaluation mode the largest's."""
        if not self.training:
            logits: Tensor = self.supernet(x_BCHW)
            return logits
        self.drawn = draw_subnetworks(self._space, self._count, int(torch.randint(2**62, ())))
        return tuple(self.supernet(x_BCHW, choice) for choice in self.drawn)


class ShrinkingLoss:
    """The sum over the sub-networks of their loss on the labels and, with a teacher, on its answers.

    The gradient of a sum is the sum of gradients: one backward pass does what one for each sub-network would.
    """

    def __init__(
        self, task: Task, smoothing: float, teacher: Callable[[Tensor], Tensor] | None = None, kd_ratio: float = 1.0
    ) -> None:
        self._task, self._smoothing = task, smoothing
        self._teacher, self._kd_ratio = teacher if kd_ratio else None, kd_ratio

    def __call__(self, step: TrainingStep) -> Tensor:
        """Return the loss as a scalar."""
        loss = torch.stack([self._label_loss(logits, step.batch) for logits in step.outputs]).sum()
        if self._teacher is None:
            return loss
        (images,) = self._task.inputs(step.batch)
        # The teacher sees what the sub-networks see.
        probabilities = self._teacher(resized(images, step.module.drawn[0].resolution)).float().softmax(dim=1)
        answers = [soft_cross_entropy(logits, probabilities) for logits in step.outputs]
        return loss + self._kd_ratio * torch.stack(answers).sum()

    def _label_loss(self, logits: Tensor, batch: object) -> Tensor:
        if self._smoothing:
            return self._task.smoothed_loss(logits, batch, self._smoothing)
        return self._task.loss(logits, batch)
