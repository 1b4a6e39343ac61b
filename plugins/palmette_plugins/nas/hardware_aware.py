"""Hardware-aware search: a front of sub-networks from few real measurements (Sarah et al., 2022).

A network is a vector of integer genes (`engines.multi_objective.genes`). The concurrent tactic measures P networks,
trains predictors of the objectives on all measurements so far, lets an evolutionary algorithm search on the
predictions alone, and measures the population that it ends with; N / P rounds. What is returned is the front of the
networks that were really measured.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator

from palmette_plugins.api import (
    ArtifactKind,
    ArtifactRef,
    DatasetRef,
    FieldViolation,
    InvalidArgument,
    JobContext,
    Kind,
    Method,
    MethodConfig,
    Model,
    Paper,
    Submission,
    Table,
)
from palmette_plugins.api.artifacts import ArtifactStore
from palmette_plugins.engines.elastic.extraction import supernet_of
from palmette_plugins.engines.multi_objective.algorithms import EvolutionaryAlgorithm
from palmette_plugins.engines.multi_objective.archive import Archive
from palmette_plugins.engines.multi_objective.evaluator import Evaluator
from palmette_plugins.engines.multi_objective.genes import Features
from palmette_plugins.engines.multi_objective.objectives import Limit, Objective
from palmette_plugins.engines.multi_objective.plan import Plan, Tactic
from palmette_plugins.engines.multi_objective.tactics import (
    concurrent_search,
    evolutionary_search,
    first_population,
    random_search,
)
from palmette_plugins.nas.elastic_genes import gene_space
from palmette_plugins.nas.prediction_report import PredictionReport
from palmette_plugins.nas.search_archive import EarlierSearch, read_search, save_search
from palmette_plugins.nas.search_results import SearchResults
from palmette_plugins.nas.search_settings import Bounds, Extract, Measurement, algorithm_violations
from palmette_plugins.nas.subnet_measurements import SubnetMeasurements, parsed_device
from palmette_plugins.nas.subnet_models import save_models


class HardwareAware(Method):
    """Search a trained supernet for networks that are both accurate and cheap on a device.

    Every measurement is real: a sub-network is cut out, its batch norms recalibrated, and it is run on held-out
    images, and timed on the device where latency matters. Predictors decide which networks are worth measuring, so
    that a few hundred measurements do where an evolutionary algorithm alone needs thousands.
    """

    kind = Kind.SEARCH
    paper = Paper("A Hardware-Aware System for Accelerating Deep Neural Network Optimization", "Sarah et al.", 2022)
    tasks = frozenset({"classification"})
    inputs: ClassVar[Mapping[str, Any]] = {
        "supernet": Annotated[ArtifactRef, "a trained supernet, such as ofa makes", ArtifactKind.SUPERNET],
        "data": Annotated[DatasetRef, "images; its validation split decides what is found"],
        "earlier": Annotated[
            ArtifactRef | None, "archive of an earlier search of the same space, to start from", ArtifactKind.TABLE
        ],
    }
    outputs: ClassVar[Mapping[str, Any]] = {
        "archive": Annotated[Table, "every network that was measured; archive.parquet has their genes"],
        "front": Annotated[Table, "the networks that no other measured one beats"],
        "model": Annotated[list[Model], "chosen networks of the front, as plain models"],
    }

    class Config(MethodConfig):
        """What to optimise, and how to search."""

        tactic: Tactic = Field(Tactic.CONCURRENT, description="which networks are measured")
        objectives: tuple[Measurement, ...] = Field(
            (Measurement.ACCURACY, Measurement.MACS), min_length=1, max_length=3, description="what to optimise"
        )
        measurements: int = Field(250, ge=1, le=100_000, description="networks that are really measured")
        population: int = Field(50, ge=10, le=10_000, description="networks per round")
        inner_evaluations: int = Field(
            20_000, ge=1, le=10_000_000, description="concurrent: predicted evaluations per round"
        )
        algorithm: EvolutionaryAlgorithm = Field(
            EvolutionaryAlgorithm.AUTO, description="auto: ga, nsga2 or unsga3 for one, two or three objectives"
        )
        features: Features = Field(
            Features.ACTIVE, description="what predictors see; active leaves out the genes of skipped blocks"
        )
        constraints: dict[Measurement, Bounds] = Field({}, description="limits that results must meet, by measurement")
        hypervolume_reference: dict[Measurement, float] = Field(
            {},
            description="worst values that count; when left out accuracy 0 and the costs of the largest sub-network",
        )
        device: str = Field("auto", description="where to measure: auto, cpu, cuda or cuda:<number>")
        latency_batch: int = Field(1, ge=1, le=4096, description="images per timed pass")
        eval_samples: int | None = Field(
            None, ge=1, description="images of the validation split to measure accuracy on; all when empty"
        )
        extract: Extract = Field(
            Extract.KNEE, description="models to save: all of the front, its knee, or the best in the first objective"
        )

        @model_validator(mode="after")
        def _fields_fit_together(self) -> Self:
            if self.population > self.measurements:
                raise ValueError(f"population must not exceed measurements ({self.measurements})")
            if len(set(self.objectives)) != len(self.objectives):
                raise ValueError("every objective must be given once")
            return self

    config: Config

    def check(self, submission: Submission) -> Iterable[FieldViolation]:
        """Refuse algorithms and devices that do not fit, and earlier searches of another space."""
        config = self.config
        yield from algorithm_violations(config.algorithm, len(config.objectives), limited=bool(config.constraints))
        if config.tactic is Tactic.WARM_START and not submission.given("earlier"):
            yield FieldViolation("inputs.earlier", "required: warm_start begins with the best of an earlier search")
        try:
            if config.device != "auto":
                parsed_device(config.device)
            space = gene_space(supernet_of(submission.model("supernet")).space)
            if submission.given("earlier"):
                store = ArtifactStore(submission.spec.artifact_store_url)
                read_search(store.get(submission.spec.inputs["earlier"][0]), space, "inputs.earlier")
        except InvalidArgument as error:
            yield from error.violations

    def run(self, job: JobContext) -> None:
        """Measure, search, save."""
        config, model, data = self.config, job.model("supernet"), job.dataset("data")
        measurements = SubnetMeasurements(
            job, model, data, device=config.device, batch=config.latency_batch, samples=config.eval_samples
        )
        plan = self._plan(job, supernet_of(model).space, measurements)
        earlier = None
        if job.has_input("earlier"):
            earlier = read_search(job.artifact("earlier"), plan.space, "inputs.earlier")
        timed = Measurement.LATENCY_MS in plan.predicted
        evaluator = Evaluator(job, plan.space, partial(measurements, timed=timed), config.measurements)
        report = PredictionReport(job, evaluator)
        if config.tactic is Tactic.RANDOM:
            random_search(plan, evaluator)
        elif config.tactic is Tactic.CONCURRENT:
            concurrent_search(plan, evaluator, report, job.raise_if_cancelled)
        else:
            warm = earlier if config.tactic is Tactic.WARM_START else None
            start = first_population(plan, warm.archive if warm else None, warm.objectives if warm else ())
            evolutionary_search(plan, evaluator, start, job.logger)
        evaluator.save()
        self._save(job, plan, evaluator.archive, measurements, report, earlier)

    def _save(
        self,
        job: JobContext,
        plan: Plan,
        archive: Archive,
        measurements: SubnetMeasurements,
        report: PredictionReport,
        earlier: EarlierSearch | None,
    ) -> None:
        results = SearchResults(archive, plan.objectives, plan.limits)
        metrics = results.metrics() | report.metrics()
        if earlier is not None:
            metrics["front-overlap"] = results.overlap(SearchResults(earlier.archive, earlier.objectives, ()))
        job.metrics(metrics)
        report.figures(results)
        save_search(job, results, metrics, self.config.tactic)
        save_models(job, results, measurements, results.chosen(self.config.extract))
        job.progress(1.0, "done")

    def _plan(self, job: JobContext, space: Any, measurements: SubnetMeasurements) -> Plan:
        """Return the plan; the worst values of the objectives are measured once per job."""
        config = self.config
        names = tuple(str(name) for name in config.objectives)
        found = job.phases.finished("references")
        if found is None:
            found = dict(measurements.references(names))
            job.phases.finish("references", found)
        references = found | {str(name): value for name, value in config.hypervolume_reference.items()}
        return Plan(
            space=gene_space(space),
            objectives=tuple(Objective(name, name == Measurement.ACCURACY, references[name]) for name in names),
            limits=tuple(Limit(str(name), bound.lower, bound.upper) for name, bound in config.constraints.items()),
            population=config.population,
            algorithm=config.algorithm,
            inner_evaluations=config.inner_evaluations,
            features=config.features,
            seed=job.seed,
        )
