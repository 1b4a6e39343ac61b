"""Classification: one of several classes for each input."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.nn import functional as F

from palmette_plugins.api.data import DataInfo
from palmette_plugins.api.spec import ModelIO, TensorSpec
from palmette_plugins.api.task import Batch, Meter, Task
from palmette_plugins.tasks.calibration import CalibrationError

_BINS = 15


class Classification(Task):
    """A batch is (inputs, classes): float inputs with the examples first, int64 classes of shape (B,).

    The model's forward takes the inputs and returns logits of shape (B, classes).
    """

    name = "classification"
    primary_metric = "accuracy"
    higher_is_better = True

    def inputs(self, batch: Batch) -> tuple[Tensor, ...]:
        """Return the inputs without the classes."""
        return (batch[0],)

    def loss(self, outputs: Any, batch: Batch) -> Tensor:
        """Return the mean cross-entropy in nats."""
        return F.cross_entropy(outputs, batch[1])

    def smoothed_loss(self, outputs: Any, batch: Batch, smoothing: float) -> Tensor:
        """Return the mean cross-entropy in nats against softened classes."""
        return F.cross_entropy(outputs, batch[1], label_smoothing=smoothing)

    def meter(self) -> ClassificationMeter:
        """Return a meter of accuracy, loss and expected calibration error."""
        return ClassificationMeter()

    def io(self, info: DataInfo) -> ModelIO:
        """Return ``image`` in, ``logits`` out."""
        image = TensorSpec(
            name="image", dtype=info.input_dtype, shape=info.input_shape, preprocessing=dict(info.preprocessing)
        )
        logits = TensorSpec(name="logits", dtype="float32", shape=(info.num_classes,))
        return ModelIO(inputs=(image,), outputs=(logits,), labels=info.labels)


class ClassificationMeter(Meter):
    """``accuracy`` in [0, 1], ``loss`` in nats and ``ece``, the expected calibration error over 15 bins."""

    def __init__(self) -> None:
        self._count = 0
        self._correct = 0
        self._loss = 0.0
        self._calibration = CalibrationError(_BINS)

    def update(self, outputs: Any, batch: Batch) -> None:
        """Take in logits (B, classes) and a batch."""
        logits, classes = outputs.float(), batch[1]
        confidences, predicted = logits.softmax(dim=1).max(dim=1)
        correct = predicted == classes
        self._count += len(classes)
        self._correct += int(correct.sum())
        self._loss += float(F.cross_entropy(logits, classes, reduction="sum").double())
        self._calibration.update(confidences, correct)

    def compute(self) -> dict[str, float]:
        """Return the measurements; of no example at all they are NaN."""
        if self._count == 0:
            return dict.fromkeys(("accuracy", "loss", "ece"), float("nan"))
        return {
            "accuracy": self._correct / self._count,
            "loss": self._loss / self._count,
            "ece": self._calibration.compute(),
        }
