"""Tasks: what a batch is, what the loss is, how quality is measured, what is served.

Everything written against `Task` (training, evaluation, export, serving) works for images, text or
audio alike.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from palmette_plugins.api.errors import InvalidArgument
from palmette_plugins.api.spec import ModelIO

if TYPE_CHECKING:
    from torch import Tensor

    from palmette_plugins.api.data import DataInfo

Batch = Any  # whatever the task's datasets yield: a tensor or a tuple of tensors, first dimension = examples


class Meter(ABC):
    """Collects outputs over batches and says how good they were."""

    @abstractmethod
    def update(self, outputs: Any, batch: Batch) -> None:
        """Take in one batch."""

    @abstractmethod
    def compute(self) -> dict[str, float]:
        """Return the measurements over all batches, by name."""


class Task(ABC):
    """One kind of problem.

    Attributes:
        name: Its name in datasets, architectures and methods, such as ``classification``.
        primary_metric: The measurement that compares models.
        higher_is_better: Whether more of it is better.
    """

    name: ClassVar[str]
    primary_metric: ClassVar[str]
    higher_is_better: ClassVar[bool]

    @abstractmethod
    def inputs(self, batch: Batch) -> tuple[Tensor, ...]:
        """Return the positional arguments of the model's forward."""

    @abstractmethod
    def loss(self, outputs: Any, batch: Batch) -> Tensor:
        """Return the mean loss over the batch as a scalar."""

    def smoothed_loss(self, outputs: Any, batch: Batch, smoothing: float) -> Tensor:
        """Return the mean loss with the share `smoothing` of each target spread over all classes.

        Raises:
            InvalidArgument: The task has no classes, which is so unless it overrides this.
        """
        raise InvalidArgument.field(
            "config.recipe.label_smoothing", f"must be 0 for {self.name}: the task has no classes to smooth"
        )

    @abstractmethod
    def meter(self) -> Meter:
        """Return a fresh meter."""

    @abstractmethod
    def io(self, info: DataInfo) -> ModelIO:
        """Return what goes in and out of a model of this task when served on data like `info`."""

    def batch_size(self, batch: Batch) -> int:
        """Return the number of examples in a batch."""
        return len(batch[0]) if isinstance(batch, (tuple, list)) else len(batch)
