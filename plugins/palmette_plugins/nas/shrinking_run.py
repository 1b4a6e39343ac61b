"""The training of one Once-for-All job: stage by stage, each measured."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from palmette_plugins.api import Dataset, JobContext, LoadedModel
from palmette_plugins.engines.elastic.extraction import extract_module, supernet_of
from palmette_plugins.engines.elastic.shrinking import SampledSubnetworks, ShrinkingLoss
from palmette_plugins.engines.elastic.sorting import sort_channels
from palmette_plugins.engines.elastic.space import Space
from palmette_plugins.engines.frozen import Frozen
from palmette_plugins.nas.stages import Stage, stage_spaces
from palmette_plugins.nas.subnet_table import SubnetTable

if TYPE_CHECKING:
    from palmette_plugins.nas.ofa import OnceForAll


class ShrinkingRun:
    """Trains a supernet through its stages, in place.

    Attributes:
        seconds: Time spent training.
    """

    def __init__(
        self, job: JobContext, model: LoadedModel, data: Dataset, config: OnceForAll.Config, table: SubnetTable
    ) -> None:
        self._job, self._model, self._data, self._config, self._table = job, model, data, config, table
        self._supernet = supernet_of(model)
        self._teacher: Frozen | None = None
        self.seconds = 0.0

    def run(self, stages: Sequence[Stage], progress: tuple[float, float]) -> None:
        """Train all stages within a range of the job's progress."""
        spaces = stage_spaces(self._supernet.space, stages)
        costs = [_passes(stage, number > 0) for number, stage in enumerate(stages)]
        done, total = 0.0, sum(costs)
        trained: Space | None = None
        for number, (stage, space, cost) in enumerate(zip(stages, spaces, costs, strict=True), 1):
            if trained is not None and trained.expands != space.expands:
                sort_channels(self._supernet, trained.expands)
            span = tuple(progress[0] + (progress[1] - progress[0]) * part / total for part in (done, done + cost))
            self._train(number, stage, space, span)
            if number == 1 and len(stages) > 1:
                self._teacher = self._frozen_largest()
            self._measure(number, space)
            trained, done = space, done + cost

    def _train(self, number: int, stage: Stage, space: Space, progress: Any) -> None:
        recipe = stage.recipe(self._config.recipe)
        step = SampledSubnetworks(self._supernet, space, stage.subnetworks)
        loss = ShrinkingLoss(self._data.task, recipe.label_smoothing, self._teacher, self._config.kd_ratio)
        result = self._job.train(
            self._model.replaced(module=step),
            self._data,
            recipe,
            phase=f"stage-{number}",
            progress=progress,
            objective=loss,
            validate_split=None,  # the shared statistics of batch norms are nobody's: see `_measure`
        )
        self.seconds += result.seconds

    def _frozen_largest(self) -> Frozen:
        """Return a copy of the largest network as it is now, which takes images of any size."""
        teacher = extract_module(self._supernet, self._supernet.space.largest)
        teacher.resolution = None
        return Frozen(teacher, self._job.device, self._config.recipe.precision)

    def _measure(self, number: int, trained: Space) -> None:
        """Measure sub-networks of the whole space, sorted where a width is not open yet."""
        model = self._model
        if trained.expands != self._supernet.space.expands:
            model = model.replaced(module=copy.deepcopy(self._supernet))
            sort_channels(supernet_of(model), trained.expands)
        self._table.measure_stage(model, number)


def _passes(stage: Stage, taught: bool) -> float:
    """Return about how long a stage takes: epochs times sub-networks and a third of a pass for the teacher."""
    return (stage.epochs + stage.warmup_epochs) * (stage.subnetworks + (1 / 3 if taught else 0))
