"""The networks that a job cuts for its constraints."""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np

from palmette_plugins.api import Dataset, JobContext, LoadedModel
from palmette_plugins.engines.elastic.evolution import Evolution, Found
from palmette_plugins.engines.elastic.extraction import supernet_of
from palmette_plugins.engines.elastic.populations import Genes, random_genes
from palmette_plugins.engines.elastic.predictor import AccuracyPredictor
from palmette_plugins.engines.elastic.specialising import specialise
from palmette_plugins.engines.measurements import final_measurements
from palmette_plugins.engines.seeding import derive_seed
from palmette_plugins.nas.limits import Costs, Limits
from palmette_plugins.nas.subnet_charts import search_chart
from palmette_plugins.nas.subnet_table import SubnetTable, as_row

if TYPE_CHECKING:
    from palmette_plugins.nas.ofa import OnceForAll

_ALIKE = 0.03  # controls cost the same within this share
_DRAWN = 200_000  # sub-networks that controls are looked for among


class SpecialisedModels:
    """Searches, cuts, measures and saves one network for each constraint."""

    def __init__(
        self,
        job: JobContext,
        model: LoadedModel,
        data: Dataset,
        config: OnceForAll.Config,
        table: SubnetTable,
        predictor: AccuracyPredictor,
    ) -> None:
        self._job, self._model, self._data, self._config, self._table = job, model, data, config, table
        self._predictor = predictor
        supernet = supernet_of(model)
        self._space = supernet.space
        self._costs = Costs(
            supernet.space, supernet.in_channels, supernet.num_classes, job.device, job.raise_if_cancelled
        )

    def run(self) -> None:
        """Do it for all constraints in order."""
        searches = {}
        for index, limits in enumerate(self._config.constraints):
            self._job.progress(0.93 + 0.07 * index / len(self._config.constraints), f"searching: {limits}")
            found = specialise(
                self._space,
                lambda genes: self._predictor.predict(self._space, genes),
                self._costs.limits(limits),
                self._job.seed,
                field=f"config.constraints.{index}",
                settings=Evolution(self._config.population, self._config.generations),
                on_generation=lambda _: self._job.raise_if_cancelled(),
            )
            searches[str(limits)] = found.history
            self._job.figure("search", search_chart(searches, self._data.task.primary_metric))
            self._save(index, limits, found)

    def _save(self, index: int, limits: Limits, found: Found) -> None:
        metric, job = self._data.task.primary_metric, self._job
        measured, validation, test = self._table.measured(self._model, self._space.decode(found.genes))
        self._table.rows.append(as_row(measured, "supernet", f"found: {limits}", validation, test))
        metrics = final_measurements(job, measured.model, self._data)
        metrics |= {f"validation/{metric}": validation, f"predicted/{metric}": found.score}
        metrics |= self._control_measurements(index, limits, found)
        job.metrics(metrics, prefix=f"found-{index + 1}/")
        attributes = {"limits": limits.given, "depths": list(measured.choice.depths)}
        job.save_model(measured.model, output="model", metrics=metrics, attributes=attributes)

    def _control_measurements(self, index: int, limits: Limits, found: Found) -> dict[str, float]:
        """Measure random sub-networks that cost about what the found one does; return their mean."""
        if not self._config.controls:
            return {}
        name = next(iter(limits.given))
        chosen = self._controls(index, name, found)
        if len(chosen) == 0:
            return {}
        rows = self._table.remembered(
            f"controls-{index + 1}",
            lambda: [
                self._table.row(self._model, self._space.decode(genes), "supernet", f"control: {limits}")
                for genes in chosen
            ],
        )
        metric = self._data.task.primary_metric
        return {
            "controls": float(len(rows)),
            f"controls/{metric}": fmean(row["test"] for row in rows),
            f"controls/validation/{metric}": fmean(row["validation"] for row in rows),
        }

    def _controls(self, index: int, name: str, found: Found) -> Genes:
        generator = np.random.default_rng(derive_seed(self._job.seed, f"controls/{index}"))
        drawn = random_genes(self._space, _DRAWN, generator)
        table = self._costs.table(name)
        cost = float(table.of(found.genes[None])[0])
        alike = np.abs(table.of(drawn) - cost) <= _ALIKE * cost
        chosen = drawn[alike][: self._config.controls]
        if len(chosen) < self._config.controls:
            self._job.logger.warning("only %d random sub-networks cost as much as the found one", len(chosen))
        return chosen
