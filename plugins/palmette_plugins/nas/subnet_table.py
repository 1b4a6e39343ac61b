"""Every sub-network that a job has measured, as a table."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from statistics import fmean
from typing import Any

import numpy as np
from torch.utils.data import Subset

from palmette_plugins.api import Dataset, JobContext, LoadedModel
from palmette_plugins.engines.elastic.extraction import supernet_of
from palmette_plugins.engines.elastic.measuring import Measured, measure
from palmette_plugins.engines.elastic.populations import choices, random_genes
from palmette_plugins.engines.elastic.predictor import PredictorQuality
from palmette_plugins.engines.elastic.recalibration import CalibrationImages
from palmette_plugins.engines.elastic.space import Choice, Space
from palmette_plugins.engines.seeding import derive_seed

Row = dict[str, Any]


class SubnetTable:
    """Measures sub-networks on held-out data and keeps what was found, over restarts too.

    Attributes:
        rows: One row per measurement: ``stage``, ``what``, the network, its costs, ``validation`` and ``test`` (the
            task's primary metric on these splits).
        images: The images that batch norms are recalibrated on.
    """

    def __init__(self, job: JobContext, data: Dataset, *, calibration: int, held_out: int, samples: int) -> None:
        self._job, self._samples = job, samples
        self.data = limited_validation(data, held_out)
        self.images = CalibrationImages(data, job.seed, job.device, calibration)
        self.rows: list[Row] = []

    def measure_stage(self, model: LoadedModel, number: int) -> None:
        """Measure largest, middle, smallest and some random sub-networks after a stage, and report them."""
        space = supernet_of(model).space
        asked: list[tuple[str, Choice]] = [
            ("largest", space.largest),
            ("middle", middle(space)),
            ("smallest", space.smallest),
            *(("random", choice) for choice in draw(space, self._samples, self._job.seed, "reported sub-networks")),
        ]
        rows = self.remembered(f"stage-{number}/measured", lambda: self._rows(model, asked, f"stage-{number}"))
        for what in dict.fromkeys(name for name, _ in asked):
            found = [row for row in rows if row["what"] == what]
            for split, prefix in (("validation", "validation/"), ("test", "")):
                name = f"{prefix}stage-{number}/{what}/{self.data.task.primary_metric}"
                self._job.metric(name, fmean(row[split] for row in found))

    def remembered(self, phase: str, measure_rows: Callable[[], list[Row]]) -> list[Row]:
        """Return the rows of a phase, measured now or by an earlier attempt, and add them to the table."""
        finished = self._job.phases.finished(phase)
        if finished is None:
            finished = {"rows": measure_rows()}
            self._job.phases.finish(phase, finished)
        rows: list[Row] = finished["rows"]
        self.rows += rows
        return rows

    def measured(self, model: LoadedModel, choice: Choice) -> tuple[Measured, float, float]:
        """Return a sub-network, and its measurement on the validation and on the test split."""
        job, metric = self._job, self.data.task.primary_metric
        found = measure(model, choice, self.data, self.images, device=job.device, check=job.raise_if_cancelled)
        test = job.evaluate(found.model, self.data)[metric] if len(self.data["test"]) else float("nan")  # type: ignore[arg-type]
        return found, found.metrics[metric], test

    def row(self, model: LoadedModel, choice: Choice, stage: str, what: str) -> Row:
        """Return the row of one sub-network."""
        found, validation, test = self.measured(model, choice)
        return as_row(found, stage, what, validation, test)

    def _rows(self, model: LoadedModel, asked: Iterable[tuple[str, Choice]], stage: str) -> list[Row]:
        return [self.row(model, choice, stage, what) for what, choice in asked]


def as_row(found: Measured, stage: str, what: str, validation: float, test: float) -> Row:
    """Return the row of a measured sub-network."""
    blocks = [block for stage_blocks in found.choice.blocks for block in stage_blocks]
    return {
        "stage": stage,
        "what": what,
        "depths": list(found.choice.depths),
        "expands": [block.expand for block in blocks],
        "kernels": [block.kernel for block in blocks],
        "resolution": found.choice.resolution,
        "parameters": found.parameters,
        "macs": found.macs,
        "validation": validation,
        "test": test,
    }


def middle(space: Space) -> Choice:
    """Return the sub-network with the middle value of every dimension, the lower of two."""
    values = (space.depths, space.expands, space.kernels, space.resolutions)
    depth, expand, kernel, resolution = (value[(len(value) - 1) // 2] for value in values)
    return space.uniform(depth, expand, kernel, resolution)


def draw(space: Space, count: int, seed: int, purpose: str) -> list[Choice]:
    """Draw sub-networks of a space; the first ones do not depend on `count`."""
    return choices(space, random_genes(space, count, np.random.default_rng(derive_seed(seed, purpose))))


def limited_validation(data: Dataset, images: int) -> Dataset:
    """Return the data with at most `images` examples of its validation split, spread over it: it may be in order."""
    split = data["validation"]
    if len(split) <= images:  # type: ignore[arg-type]
        return data
    spread = np.linspace(0, len(split) - 1, images).round().astype(int)  # type: ignore[arg-type]
    return replace(data, splits={**data.splits, "validation": Subset(split, spread.tolist())})


def supernet_measurements(table: SubnetTable, quality: PredictorQuality) -> dict[str, float]:
    """Return what the finished supernet is worth: its last stage's sub-networks, and its predictor."""
    metric = table.data.task.primary_metric
    last = [row for row in table.rows if row["stage"].startswith("stage-")][-1]["stage"]
    measured: dict[str, float] = {}
    for what in ("largest", "middle", "smallest", "random"):
        rows = [row for row in table.rows if (row["stage"], row["what"]) == (last, what)]
        measured[f"{what}/{metric}"] = fmean(row["test"] for row in rows)
        measured[f"validation/{what}/{metric}"] = fmean(row["validation"] for row in rows)
    return {**measured, "predictor/rmse": quality.rmse, "predictor/kendall": quality.kendall}
