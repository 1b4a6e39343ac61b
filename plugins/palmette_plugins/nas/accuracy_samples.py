"""The samples that an accuracy predictor learns from: measured sub-networks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from palmette_plugins.api import JobContext, LoadedModel
from palmette_plugins.engines.elastic.extraction import supernet_of
from palmette_plugins.engines.elastic.measuring import measure
from palmette_plugins.engines.elastic.populations import Genes, random_genes
from palmette_plugins.engines.elastic.predictor import AccuracyPredictor, PredictorQuality, fit_predictor
from palmette_plugins.engines.seeding import derive_seed
from palmette_plugins.nas.subnet_charts import predictor_chart
from palmette_plugins.nas.subnet_table import Row, SubnetTable, as_row

_PHASE = "predictor samples"
_SAVE_EVERY = 50  # samples between checkpoints


@dataclass(frozen=True)
class SampledPredictor:
    """A predictor and how good it is on samples that it had not seen."""

    network: AccuracyPredictor
    quality: PredictorQuality
    samples: int


def sampled_predictor(
    job: JobContext, model: LoadedModel, table: SubnetTable, count: int, progress: tuple[float, float]
) -> SampledPredictor:
    """Measure `count` random sub-networks on the validation split and fit a predictor to them; goes on where it was."""
    space = supernet_of(model).space
    genes = random_genes(space, count, np.random.default_rng(derive_seed(job.seed, _PHASE)))
    rows = table.remembered(_PHASE, lambda: _measured(job, model, table, genes, progress))
    accuracies = np.array([row["validation"] for row in rows])
    network, quality = fit_predictor(space, genes, accuracies, job.seed)
    job.figure("predictor", predictor_chart(quality.predicted, quality.measured, table.data.task.primary_metric))
    return SampledPredictor(network, quality, count)


def _measured(
    job: JobContext, model: LoadedModel, table: SubnetTable, genes: Genes, progress: tuple[float, float]
) -> list[Row]:
    rows: list[Row] = (job.phases.running(_PHASE) or {"rows": []})["rows"]
    space, metric = supernet_of(model).space, table.data.task.primary_metric
    low, high = progress
    for number in range(len(rows), len(genes)):
        job.progress(low + (high - low) * number / len(genes), f"sub-network {number + 1}/{len(genes)}")
        choice = space.decode(genes[number])
        found = measure(model, choice, table.data, table.images, device=job.device, check=job.raise_if_cancelled)
        # Never on the test split: what these samples teach decides which networks are found.
        rows.append(as_row(found, "supernet", "sample", found.metrics[metric], float("nan")))
        if (number + 1) % _SAVE_EVERY == 0:
            job.phases.save(_PHASE, {"rows": list(rows)})
    return rows
