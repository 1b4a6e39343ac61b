"""The training run of MEAL V2: what the student sees and what it is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import altair as alt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from palmette_plugins.api import Dataset, JobContext, LoadedModel
from palmette_plugins.datasets.batches import gather, ordered_batches, to_device
from palmette_plugins.datasets.tensor_split import TensorSplit
from palmette_plugins.engines.distillation import (
    Adversarial,
    Discriminator,
    compressed,
    expanded,
    kl_divergence,
    soft_cross_entropy,
)
from palmette_plugins.engines.distillation.cutmix import CutMix
from palmette_plugins.engines.distillation.fixed_crops import FixedCrops
from palmette_plugins.engines.seeding import seeded_draws
from palmette_plugins.engines.training import TrainingResult, TrainingStep
from palmette_plugins.guided_training.teaching import Answers, Ensemble

if TYPE_CHECKING:
    from palmette_plugins.guided_training.meal_v2 import MealV2

_REPORT_EVERY = 20  # steps
_LABELLED = 500  # crops that the teachers answer at a time
_IN_MEMORY_BYTES = 2**30


class SoftLabels(StrEnum):
    """When the teachers answer."""

    ONLINE = "online"
    CACHED = "cached"


class Distilling:
    """Trains a student under an ensemble.

    Attributes:
        validation: Accuracy of each teacher and of the ensemble on the validation split, by name.
    """

    def __init__(self, job: JobContext, data: Dataset, config: MealV2.Config, ensemble: Ensemble) -> None:
        self._job = job
        self._data = data
        self._config = config
        self._ensemble = ensemble
        self._classes = data.info.num_classes
        self._discriminator = self._make_discriminator()
        self.validation = ensemble.accuracies(job, data, "validation")

    def run(self, student: LoadedModel) -> TrainingResult:
        """Train `student` in place."""
        cached = self._config.soft_labels is SoftLabels.CACHED
        beside: Mapping[str, nn.Module] = {"discriminator": self._discriminator} if self._discriminator else {}
        return self._job.train(
            student,
            self._labelled_crops() if cached else self._mixed(),
            self._config.recipe,
            objective=self._from_cache if cached else self._from_teachers,
            companions=beside,
            progress=(0.05, 0.96),
        )

    # -- losses

    def _from_teachers(self, step: TrainingStep) -> Tensor:
        answers = self._ensemble(*self._data.task.inputs(step.batch))
        return self._loss(step, answers.probabilities, step.outputs.float(), answers.logits)

    def _from_cache(self, step: TrainingStep) -> Tensor:
        values, classes = step.batch[2], step.batch[3]
        probabilities = expanded(values, classes, self._classes)
        return self._loss(step, probabilities, step.outputs.float().softmax(dim=1), probabilities)

    def _loss(self, step: TrainingStep, probabilities: Tensor, student: Tensor, teachers: Tensor) -> Tensor:
        """Return the loss; the discriminator compares `student` with `teachers`."""
        share = self._config.hard_label_weight
        loss = (1.0 - share) * soft_cross_entropy(step.outputs, probabilities)
        if share:
            loss = loss + share * F.cross_entropy(step.outputs.float(), step.batch[1])
        report = step.number % _REPORT_EVERY == 0
        if report:
            divergence = kl_divergence(step.outputs.detach(), probabilities)
            self._job.metric("train/similarity-loss", float(divergence), step.number + 1)
        if self._discriminator is None:
            return loss
        fooling, told = self._discriminator.loss(student, teachers)
        if report:
            self._job.metric("train/discriminator-loss", float(fooling.detach()), step.number + 1)
            self._job.metric("train/discriminator-accuracy", float(told), step.number + 1)
        return loss + fooling

    def _make_discriminator(self) -> Discriminator | None:
        if self._config.adversarial is Adversarial.NONE:
            return None
        with seeded_draws(self._job.seed, "discriminator"):
            return Discriminator(self._classes, self._config.k(self._classes), self._config.adversarial)

    # -- data

    def _mixed(self) -> Dataset:
        if not self._config.cutmix:
            return self._data
        return replace(self._data, train_augmentation=CutMix(self._config.cutmix, self._data.train_augmentation))

    def _labelled_crops(self) -> Dataset:
        """Return the dataset with fixed crops in its training split, each with what the teachers say to it."""
        crops = FixedCrops(self._data["train"], self._config.crops, self._job.seed)
        in_memory = crops.nbytes() <= _IN_MEMORY_BYTES  # else cut anew whenever seen
        kept: list[tuple[Tensor, ...]] = []
        for start in range(0, len(crops), _LABELLED):
            batch = gather(crops, torch.arange(start, min(start + _LABELLED, len(crops))))
            answers = self._ensemble(to_device(batch[0], self._job.device))
            labels = (part.cpu() for part in compressed(answers.probabilities, self._config.topk))
            kept.append((*(batch if in_memory else ()), *labels))
            self._job.progress(0.05 * start / len(crops), f"teachers label crop {start:,} of {len(crops):,}")
        parts = [torch.cat(part) for part in zip(*kept, strict=True)]
        train = TensorSplit(*parts) if in_memory else crops.with_labels(*parts)
        return replace(self._data, splits={**self._data.splits, "train": train}, train_augmentation=None)


@torch.inference_mode()
def agreement(job: JobContext, student: nn.Module, ensemble: Ensemble, data: Dataset, split: str = "test") -> float:
    """Return the share of examples on which student and ensemble name the same class."""
    same = total = 0
    student.to(job.device).eval()
    for batch in ordered_batches(data[split], 500):
        job.raise_if_cancelled()
        images = to_device(batch, job.device)[0]
        answers: Answers = ensemble(images)
        same += int((student(images).argmax(dim=1) == answers.probabilities.argmax(dim=1)).sum())
        total += len(images)
    return same / total


def accuracy_chart(history: Sequence[dict[str, float]], teachers: Mapping[str, float]) -> alt.LayerChart:
    """Return the student's validation accuracy over the epochs, and a line for each teacher and the ensemble."""
    rows: list[dict[str, Any]] = [
        {"epoch": row["epoch"], "accuracy": row["validation/accuracy"]}
        for row in history
        if "validation/accuracy" in row
    ]
    lines = [{"who": name.removesuffix("/accuracy"), "accuracy": value} for name, value in teachers.items()]
    y = alt.Y("accuracy:Q", title="validation accuracy", scale=alt.Scale(zero=False))
    student = (
        alt.Chart(alt.Data(values=rows), title="Student and teachers")
        .mark_line(point=True, color="#1f6f43")
        .encode(x=alt.X("epoch:Q", axis=alt.Axis(tickMinStep=1)), y=y, tooltip=["epoch:Q", "accuracy:Q"])
    )
    rules = (
        alt.Chart(alt.Data(values=lines))
        .mark_rule(strokeDash=[4, 3])
        .encode(y=y, color=alt.Color("who:N", title="teachers"), tooltip=["who:N", "accuracy:Q"])
    )
    return alt.layer(student, rules)
