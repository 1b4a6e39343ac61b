"""One filtering job, step by step."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import torch

from palmette_plugins.api import Dataset, InvalidArgument, JobContext
from palmette_plugins.api.resolve import load_dataset
from palmette_plugins.architectures import weights_file
from palmette_plugins.data_filtering.filter_training import FilterTraining, spread
from palmette_plugins.data_filtering.induced import InducedModels, arms
from palmette_plugins.data_filtering.keeping import TABLE_FILE, Kept, keep
from palmette_plugins.data_filtering.reading import reading
from palmette_plugins.data_filtering.sheet import examples, histogram_chart, sheet_chart, sheet_rows
from palmette_plugins.data_filtering.trusted_pairs import Trusted, refuse_overlap
from palmette_plugins.datasets.pair_dataset import PairDataset, pair_info
from palmette_plugins.datasets.pair_subset import FILE_NAME, subset_attributes
from palmette_plugins.datasets.prepared_pairs import PreparedPairs
from palmette_plugins.datasets.tensor_split import TensorSplit
from palmette_plugins.engines.contrastive.pair_filter import SCORER, PairFilter, load_filter
from palmette_plugins.engines.contrastive.pair_model import PairModel
from palmette_plugins.engines.contrastive.score_shards import ScoreShards
from palmette_plugins.engines.contrastive.scorers import ScorerKind
from palmette_plugins.engines.precision import resolve_precision
from palmette_plugins.engines.recipe import Precision
from palmette_plugins.tasks.contrastive_pairs import ContrastivePairs

if TYPE_CHECKING:
    from palmette_plugins.data_filtering.dfn import Dfn

_DTYPES = {Precision.BF16: torch.bfloat16, Precision.FP16: torch.float16}
_HELD_OUT = 16


class Filtering:
    """The steps of one job, and what they measured."""

    def __init__(self, job: JobContext, config: Dfn.Config, folder: Path) -> None:
        self._job, self._config, self._folder = job, config, folder
        self._data = _pairs_of(job.dataset("pool"), "inputs.pool")
        self._pool = self._data.pool
        self._shards = ScoreShards(job, self._pool)
        self._evaluation = job.dataset("evaluation") if job.has_input("evaluation") else None
        self._measuring = InducedModels(job, config, self._pool, self._data.info, self._evaluation)
        self._metrics: dict[str, float] = {}

    def filter(self, progress: tuple[float, float]) -> PairFilter:
        """Train the filter, or take the given one."""
        clean, trusted = self._clean(), self._trusted()
        if self._evaluation is not None:
            refuse_overlap([*clean, *trusted], self._evaluation, self._config.evaluation_split.value)
        if self._job.has_input("network"):
            made = load_filter(self._job.artifact("network"), "inputs.network")
        else:
            made = self._trained(clean, trusted, progress)
        if made.kind is not ScorerKind.RECONSTRUCTION:
            self._metrics |= self._measuring.measured("filter", made.model)
        return made

    def keep(self, made: PairFilter, progress: tuple[float, float]) -> Kept:
        """Score the pool and cut."""
        dtype = _DTYPES.get(resolve_precision(self._config.score_precision, self._job.device))
        found = self._shards.score(made.scorer(self._job.device, dtype), progress)
        if found:
            self._job.logger.info("%d of %d shards were scored before", found, len(self._shards.rows))
        kept = keep(self._shards, self._config.fraction, self._config.threshold, self._folder)
        if kept.cut.kept == 0:
            raise InvalidArgument.field(
                "config.threshold" if self._config.fraction is None else "config.fraction",
                f"nothing is kept: the best of {len(kept.mask)} pairs scores {kept.edges[-1]:.4f}, and "
                f"{int(kept.scored.sum())} could be scored",
            )
        self._metrics |= kept.metrics()
        self._job.figure("scores", histogram_chart(kept))
        return kept

    def induce(self, kept: Kept, progress: tuple[float, float]) -> dict[str, PairModel]:
        """Train the induced models; return them by arm."""
        if not self._config.train_induced:
            return {}
        samples = self._config.samples_seen or self._pool.size
        compared = arms(kept.mask, kept.scored, self._config.baselines, self._job.seed)
        self._measuring.train(compared, self._shards.rows, samples, progress)
        self._metrics |= self._measuring.metrics
        return self._measuring.models

    def save(self, made: PairFilter, kept: Kept, models: dict[str, PairModel]) -> None:
        """Report everything and save all outputs."""
        job = self._job
        rows = sheet_rows(self._pool, self._shards.rows, examples(self._shards, kept))
        job.figure("examples", sheet_chart(rows))
        prefix = "validation/" if self._config.evaluation_split.value == "validation" else ""
        metrics = {f"{prefix}{name}": value for name, value in self._metrics.items()}
        job.metrics(metrics)
        filter_id = self._save_filter(made, metrics)
        table = job.save_files({TABLE_FILE: self._folder / TABLE_FILE}, output="scores", metrics=metrics)
        job.save_files(
            {FILE_NAME: self._folder / FILE_NAME},
            output="subset",
            metrics=metrics,
            attributes=subset_attributes(self._data.info.reference, kept.cut.kept),
        )
        if "filtered" in models:
            job.save_model(models["filtered"].loaded, data=self._served(models["filtered"]), metrics=metrics)
        found = reading(self._metrics)
        for sentence in found:
            job.logger.info("%s", sentence)
        report = {"reading": found, "metrics": metrics, "filter": filter_id, "scores": table, "examples": rows}
        data = orjson.dumps(report, option=orjson.OPT_INDENT_2)
        job.save_files({"report.json": data}, output="report", metrics=metrics)

    def _save_filter(self, made: PairFilter, metrics: dict[str, float]) -> str:
        attributes = {SCORER: made.kind.value}
        loaded = made.model.loaded
        if made.kind is ScorerKind.CONTRASTIVE:
            data = self._served(made.model)
            return self._job.save_model(loaded, data=data, output="filter", metrics=metrics, attributes=attributes)
        files: dict[str, Any] = {weights_file.FILE_NAME: weights_file.weights_bytes(loaded.module.state_dict())}
        return self._job.save_files(
            {**files, **made.extra_files()}, output="filter", spec=loaded.spec, metrics=metrics, attributes=attributes
        )

    def _trained(self, clean: list[Trusted], trusted: list[Trusted], progress: tuple[float, float]) -> PairFilter:
        training = FilterTraining(self._job, self._config, self._pool, self._data.info)
        model = training.new()
        low, high = progress
        middle = (low + high) / 2 if trusted else high
        if self._config.filter.value == "train":
            training.train(model, clean, (low, middle))
        if trusted:
            training.finetune(model, trusted, (middle, high))
        self._metrics["filter/samples"] = float(training.samples)
        return training.around(model, clean)

    def _clean(self) -> list[Trusted]:
        if not self._job.has_input("clean"):
            return []
        data = _pairs_of(self._job.dataset("clean"), "inputs.clean")
        if data.fingerprint == self._data.fingerprint:
            self._job.logger.warning("the filter is trained on the pool that it filters: what it learns is the dirt")
        return [Trusted(data, (), "inputs.clean")]

    def _trusted(self) -> list[Trusted]:
        found = []
        for index, each in enumerate(self._config.finetune):
            field = f"config.finetune[{index}].data"
            found.append(Trusted(load_dataset(each.data, field, self._job.store), each.templates, field))
        return found

    def _served(self, model: PairModel) -> Dataset:
        """Return a few pairs as the model takes them: what its export is checked on."""
        wanted = model.preparation
        prepared = PreparedPairs(spread(self._pool, 2 * _HELD_OUT), wanted)
        inputs = TensorSplit(wanted.standardised(prepared.pixels[:_HELD_OUT]), prepared.tokens[:_HELD_OUT].clone())
        info = pair_info(self._data.info.reference, self._pool.size, wanted.channels, wanted.height)
        context = {**info.preprocessing, "context": inputs.tensors[1].shape[1]}
        context |= {"mean": list(wanted.mean), "std": list(wanted.std)}
        described = type(info)(**{**info.__dict__, "preprocessing": context})
        return Dataset(described, ContrastivePairs(), {"test": inputs}, self._data.fingerprint)


def _pairs_of(data: Dataset, field: str) -> PairDataset:
    if not isinstance(data, PairDataset):
        raise InvalidArgument.field(field, f"'{data.info.reference}' holds no image-text pairs")
    return data
