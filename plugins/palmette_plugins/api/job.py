"""The whole world of a running method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from palmette_plugins.api.artifacts import ArtifactStore, StoredArtifact
from palmette_plugins.api.checkpoint import CheckpointFolder
from palmette_plugins.api.errors import JobCancelled
from palmette_plugins.api.job_clock import JobClock
from palmette_plugins.api.job_log import job_logger
from palmette_plugins.api.job_spec import JobSpec
from palmette_plugins.api.kinds import ArtifactKind
from palmette_plugins.api.method import Method, input_declarations, output_declarations
from palmette_plugins.api.references import DatasetRef, Reference
from palmette_plugins.api.resolve import load_dataset
from palmette_plugins.api.sink import JobSink
from palmette_plugins.api.spec import ModelSpec

if TYPE_CHECKING:
    import torch

    from palmette_plugins.api.architecture import LoadedModel
    from palmette_plugins.api.data import Dataset
    from palmette_plugins.engines.phases import Phases
    from palmette_plugins.engines.recipe import Recipe
    from palmette_plugins.engines.training import TrainingResult


class JobContext:
    """What a method reads from and reports to.

    Attributes:
        spec: The job: plugin, inputs, configuration, seed.
        seed: Seed of every random draw.
        logger: Logger whose lines become the job's log.
        checkpoint: The job's checkpoints; see `CheckpointFolder`.
        store: The artifact store.
    """

    def __init__(self, spec: JobSpec, method: Method, sink: JobSink) -> None:
        self.spec = spec
        self.seed = spec.seed
        self.method = method
        self.logger = job_logger(sink)
        self.checkpoint = CheckpointFolder(spec.checkpoint_url)
        self.store = ArtifactStore(spec.artifact_store_url)
        self._sink = sink
        self._clock = JobClock()
        self._parents: list[str] = []
        self._figures: dict[str, dict[str, Any]] = {}
        self._datasets: dict[str, Dataset] = {}

    @cached_property
    def device(self) -> torch.device:
        """Where to compute: the first GPU of the job, else the CPU."""
        import torch

        return torch.device("cuda" if torch.cuda.is_available() else "cpu")

    @cached_property
    def phases(self) -> Phases:
        """What earlier attempts of this job finished, for methods of several steps; kept in its checkpoint."""
        from palmette_plugins.engines.phases import Phases

        return Phases(self.checkpoint)

    def generator(self, purpose: str = "") -> torch.Generator:
        """Return a CPU generator seeded from the job's seed and `purpose`; equal purposes give equal draws."""
        from palmette_plugins.engines.seeding import seeded_generator

        generator: torch.Generator = seeded_generator(self.seed, purpose)
        return generator

    def has_input(self, name: str) -> bool:
        """Tell whether the input was given."""
        return bool(self.spec.inputs.get(name))

    def model(self, name: str) -> LoadedModel:
        """Return the model of a single-valued input."""
        return self.models(name)[0]

    def models(self, name: str) -> list[LoadedModel]:
        """Return the models of a list input, in order. New models are initialised from the job's seed."""
        from palmette_plugins.architectures.loading import load_model_reference

        data = self._main_data()
        loaded = [
            load_model_reference(text, f"inputs.{name}", data, self.store, seed=self.seed)
            for text in self.spec.inputs.get(name, [])
        ]
        for model in loaded:
            if model.artifact:
                self.add_parent(model.artifact)
        return loaded

    def dataset(self, name: str) -> Dataset:
        """Return the dataset of a single-valued input."""
        return self.datasets(name)[0]

    def datasets(self, name: str) -> list[Dataset]:
        """Return the datasets of a list input, in order."""
        for text in self.spec.inputs.get(name, []):
            if text not in self._datasets:
                self._datasets[text] = load_dataset(text, f"inputs.{name}", self.store)
                if text.startswith("artifact:"):
                    self.add_parent(self.store.resolve(Reference.parse(text).target))
        return [self._datasets[text] for text in self.spec.inputs.get(name, [])]

    def artifact(self, name: str) -> StoredArtifact:
        """Return the artifact of a single-valued input."""
        return self.artifacts(name)[0]

    def artifacts(self, name: str) -> list[StoredArtifact]:
        """Return the artifacts of a list input, in order; later artifacts of the job are made from them."""
        found = [self.store.get(text) for text in self.spec.inputs.get(name, [])]
        for artifact in found:
            self.add_parent(artifact.id)
        return found

    def raise_if_cancelled(self) -> None:
        """Raise `JobCancelled` if someone asked the job to stop. Call it in long loops without progress."""
        reason = self._sink.cancel_reason()
        if reason is not None:
            raise JobCancelled(reason)

    def progress(self, fraction: float, message: str = "") -> None:
        """Report the done share in [0, 1] of the whole job; raise `JobCancelled` when cancelled."""
        self.raise_if_cancelled()
        fraction = min(max(fraction, 0.0), 1.0)
        self._sink.progress(fraction, message, self._clock.remaining_s(fraction))

    def metric(self, name: str, value: float, step: int | None = None) -> None:
        """Report one measurement."""
        self._sink.metric(name, float(value), step)

    def metrics(self, values: Mapping[str, float], step: int | None = None, prefix: str = "") -> None:
        """Report several measurements, their names after `prefix`."""
        for name, value in values.items():
            self.metric(f"{prefix}{name}", value, step)

    def figure(self, name: str, chart: Any) -> None:
        """Show a figure: an altair chart or a Vega-Lite dictionary. It is also kept in later artifacts."""
        vega_lite = chart if isinstance(chart, dict) else chart.to_dict()
        self._figures[name] = vega_lite
        self._sink.figure(name, vega_lite)

    def train(self, model: LoadedModel, data: Dataset, recipe: Recipe, **options: Any) -> TrainingResult:
        """Train `model` in place; see `palmette_plugins.engines.training.train` for the options."""
        from palmette_plugins.engines.training import train

        return train(self, model, data, recipe, **options)

    def evaluate(self, model: LoadedModel, data: Dataset, split: str = "test", **options: Any) -> dict[str, float]:
        """Return the task's measurements on a split; see `palmette_plugins.engines.evaluation.evaluate`."""
        from palmette_plugins.engines.evaluation import evaluate

        measured: dict[str, float] = evaluate(
            model.module, data, split, device=self.device, check=self.raise_if_cancelled, **options
        )
        return measured

    def save_model(
        self,
        model: LoadedModel,
        *,
        data: Dataset | None = None,
        held_out: Mapping[str, torch.Tensor] | None = None,
        output: str = "model",
        metrics: Mapping[str, float] | None = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> str:
        """Commit a model artifact (spec, weights, held-out samples) and return its id.

        `data` fixes the signature when served and gives the samples that the export is checked on; the
        first dataset of the job when left out. A job without a dataset may give `held_out` inputs by name.
        """
        from palmette_plugins.architectures.saving import model_files

        chosen = data or self._main_dataset()
        with self.store.writer() as writer:
            spec = model_files(writer, model, chosen, held_out)
            return self._commit(writer, output, spec=spec, metrics=metrics, attributes=attributes, data=chosen)

    def save_files(
        self,
        files: Mapping[str, bytes | Path],
        *,
        output: str,
        spec: ModelSpec | None = None,
        metrics: Mapping[str, float] | None = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> str:
        """Commit an artifact of the output's declared kind with these files, and return its id.

        A file is its content or a local path to copy from; `spec` is that of the model which the files hold, if any.
        """
        with self.store.writer() as writer:
            for path, content in files.items():
                if isinstance(content, bytes):
                    writer.add_bytes(path, content)
                else:
                    writer.add_file(path, content)
            data = self._main_dataset()
            return self._commit(writer, output, spec=spec, metrics=metrics, attributes=attributes, data=data)

    def save_table(
        self, rows: Sequence[Mapping[str, Any]], *, output: str, metrics: Mapping[str, float] | None = None
    ) -> str:
        """Commit a table artifact (``table.json``: a list of rows) and return its id."""
        import orjson

        data = orjson.dumps([dict(row) for row in rows], option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY)
        return self.save_files({"table.json": data}, output=output, metrics=metrics)

    def add_parent(self, artifact: str) -> None:
        """Record that later artifacts of this job are made from `artifact` too."""
        if artifact not in self._parents:
            self._parents.append(artifact)

    def _commit(self, writer: Any, output: str, *, data: Dataset | None, **fields: Any) -> str:
        from palmette_plugins.api.provenance import environment, plugin_version

        kinds = {declaration.name: declaration.kind for declaration in output_declarations(type(self.method))}
        if output not in kinds:
            raise ValueError(f"'{output}' is not a declared output of {self.spec.plugin}: {', '.join(kinds)}")
        kind: ArtifactKind = kinds[output]
        spec = fields.get("spec")
        identifier: str = writer.commit(
            kind=kind,
            output=output,
            spec=spec,
            task=spec.task if spec is not None else (data.info.task if data is not None else ""),
            metrics={name: float(value) for name, value in (fields["metrics"] or {}).items()},
            figures=dict(self._figures),
            parents=tuple(self._parents),
            inputs={name: list(references) for name, references in self.spec.inputs.items()},
            job=self.spec.job,
            plugin=f"{self.spec.service}/{self.spec.plugin}",
            plugin_version=plugin_version(type(self.method)),
            config=self.method.config.model_dump(mode="json"),
            dataset_fingerprint=data.fingerprint if data is not None else "",
            seed=self.seed,
            environment=environment(),
            attributes=dict(fields["attributes"] or {}),
        )
        self._sink.artifact(output, identifier, kind.value)
        return identifier

    def _main_dataset(self) -> Dataset | None:
        for declaration in input_declarations(type(self.method)):
            if declaration.marker is DatasetRef and self.has_input(declaration.name):
                return self.dataset(declaration.name)
        return None

    def _main_data(self) -> Any:
        dataset = self._main_dataset()
        return dataset.info if dataset is not None else None
