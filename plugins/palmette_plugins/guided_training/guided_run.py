"""The training runs of one guidance job: under the guide, and without it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from palmette_plugins.api import Dataset, JobContext, LoadedModel
from palmette_plugins.datasets.batches import gather, to_device
from palmette_plugins.engines.batches import steps_per_epoch
from palmette_plugins.engines.frozen import Frozen
from palmette_plugins.engines.representations import Pair, compare
from palmette_plugins.engines.representations.charts import similarity_curves, similarity_map
from palmette_plugins.engines.representations.guide import GuideLoss, PairSimilarity
from palmette_plugins.engines.seeding import seeded_generator
from palmette_plugins.engines.training import TrainingResult, TrainingStep

if TYPE_CHECKING:
    from palmette_plugins.guided_training.guidance import Guidance

COMPARED = 256  # examples of the maps before and after
_REPORTS = 40  # points of each pair's curve


class GuideInput(StrEnum):
    """What the guide sees."""

    BATCH = "batch"
    NOISE = "noise"


class SimilarityHistory(nn.Module):
    """The curves so far, in the form of a companion: so they are in the checkpoint, and a resumed job goes on.

    Attributes:
        rows: See `similarity_curves`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[dict[str, float | str]] = []

    def get_extra_state(self) -> list[dict[str, float | str]]:
        """Return the rows for a checkpoint."""
        return list(self.rows)

    def set_extra_state(self, state: list[dict[str, float | str]]) -> None:
        """Go on from a checkpoint's rows."""
        self.rows = list(state)


class GuidedRun:
    """Trains a target with and without its guide, from the same weights on the same batches."""

    def __init__(self, job: JobContext, data: Dataset, config: Guidance.Config, pairs: Sequence[Pair]) -> None:
        self._job = job
        self._data = data
        self._config = config
        self._pairs = pairs
        self._start: dict[str, Tensor] = {}
        self._history = SimilarityHistory()
        steps = steps_per_epoch(len(data["train"]), config.recipe.batch_size) * config.recipe.epochs  # type: ignore[arg-type]
        self._every = max(1, steps // _REPORTS)

    def guided(self, target: LoadedModel, guide: LoadedModel) -> TrainingResult:
        """Train `target` in place under `guide`."""
        self._start = copy.deepcopy(target.module.state_dict())
        frozen = Frozen(guide.module, self._job.device, self._config.recipe.precision)
        self._map("similarity before", target, guide)
        share = 0.5 if self._config.baseline else 0.96
        if self._config.alpha == 0 or self._config.guide_steps == 0:
            result = self._job.train(target, self._data, self._config.recipe, progress=(0.0, share))
        else:
            term = self._term(frozen)
            with term.watching(target.module):
                result = self._job.train(
                    target,
                    self._data,
                    self._config.recipe,
                    extra_loss=term,
                    companions={"history": self._history},
                    progress=(0.0, share),
                )
        self._map("similarity after", target, guide)
        if self._history.rows:
            self._job.figure("similarity", similarity_curves(self._history.rows, self._config.distance.upper()))
        return result

    def unguided(self, target: LoadedModel) -> LoadedModel:
        """Return a copy of the target, trained from the same start on the same batches without a guide."""
        alone = target.replaced(module=copy.deepcopy(target.module))
        alone.module.load_state_dict(self._start)
        recipe = self._config.recipe
        self._job.train(alone, self._data, recipe, phase="unguided", draws="train", progress=(0.5, 0.96))
        return alone

    def _term(self, guide: Frozen) -> GuideLoss:
        return GuideLoss(
            guide,
            self._pairs,
            inputs=self._batch if self._config.guide_input is GuideInput.BATCH else self._noise,
            distance=self._config.distance,
            alpha=self._config.alpha,
            steps=self._config.guide_steps,
            per_position=self._config.per_position,
            report=self._report,
        )

    def _batch(self, step: TrainingStep) -> tuple[Tensor, ...]:
        return self._data.task.inputs(step.batch)

    def _noise(self, step: TrainingStep) -> tuple[Tensor, ...]:
        """Return noise like the batch, the same for the same step of a resumed run."""
        generator = seeded_generator(self._job.seed, f"guide noise/{step.number}")
        return tuple(self._noise_like(tensor, generator) for tensor in self._batch(step))

    def _noise_like(self, tensor: Tensor, generator: torch.Generator) -> Tensor:
        if tensor.is_floating_point():
            return torch.randn(tensor.shape, generator=generator).to(tensor)
        largest = self._data.info.vocabulary_size or int(tensor.max()) + 1
        return torch.randint(largest, tensor.shape, generator=generator).to(tensor)

    def _report(self, number: int, similarities: Callable[[], list[PairSimilarity]]) -> None:
        if number % self._every:
            return
        found = similarities()
        step = number + 1
        for measured in found:
            name = f"{measured.pair.target} ~ {measured.pair.guide}"
            self._job.metric(f"similarity/{name}", measured.value, step)
            self._history.rows.append({"step": float(step), "pair": name, "similarity": measured.value})
        self._job.metric("similarity/dead-pairs", float(sum(not measured.alive for measured in found)), step)

    def _map(self, name: str, target: LoadedModel, guide: LoadedModel) -> None:
        """Show all layers of the target against all of the guide on some examples of the validation split."""
        split = self._data["validation"]
        examples = torch.arange(min(COMPARED, len(split)))  # type: ignore[arg-type]
        inputs = self._data.task.inputs(to_device(gather(split, examples), self._job.device))
        target.module.to(self._job.device)
        guide.module.to(self._job.device)
        found = compare(target.module, guide.module, inputs, self._config.distance)
        self._job.figure(name, similarity_map(found, ("target", "guide"), name.capitalize()))
