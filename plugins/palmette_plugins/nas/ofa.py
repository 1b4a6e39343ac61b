"""Once-for-All: one elastic network, from which the best sub-network for each device is cut (Cai et al., 2020)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator

from palmette_plugins.api import (
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
    Supernet,
    Table,
)
from palmette_plugins.architectures.loading import inspect_model_reference, load_model_reference
from palmette_plugins.engines.elastic.extraction import supernet_of
from palmette_plugins.engines.elastic.specialising import limit_violations
from palmette_plugins.engines.recipe import Recipe
from palmette_plugins.engines.recipe_check import recipe_violations
from palmette_plugins.engines.recipe_defaults import recipe_default
from palmette_plugins.nas.accuracy_samples import sampled_predictor
from palmette_plugins.nas.limits import Costs, Limits
from palmette_plugins.nas.shrinking_run import ShrinkingRun
from palmette_plugins.nas.spaces import SpaceConfig
from palmette_plugins.nas.specialised_models import SpecialisedModels
from palmette_plugins.nas.stages import Stage, papers_stages, stage_violations
from palmette_plugins.nas.subnet_charts import cost_chart, stage_chart
from palmette_plugins.nas.subnet_table import SubnetTable, supernet_measurements
from palmette_plugins.nas.supernet_artifact import save_supernet

_OF_STAGES = ("epochs", "lr", "warmup_epochs")


class OnceForAllRecipe(Recipe):
    """How every stage trains; the defaults are the paper's, for 32 GPUs with 64 images each."""

    batch_size: int = recipe_default("batch_size", 2048)
    nesterov: bool = recipe_default("nesterov", True)
    weight_decay: float = recipe_default("weight_decay", 3e-5)
    decay_norm_and_bias: bool = recipe_default("decay_norm_and_bias", False)
    label_smoothing: float = recipe_default("label_smoothing", 0.1)


class OnceForAll(Method):
    """Train one elastic network once, then cut the best sub-network for each device or budget without retraining.

    Depth, width, kernel sizes and image size of the network are elastic. Its largest sub-network is trained first and
    then teaches the smaller ones, which are opened step by step (progressive shrinking). From the finished supernet
    `Specialize` cuts a network under any limit in seconds; `constraints` does so at the end of the job.

    The paper trains its MobileNetV3 space (`mbv3`) on ImageNet for about 500 epochs in six stages; those are the
    stages used where none are given, with learning rates for batches of 2048.
    """

    kind = Kind.SEARCH
    paper = Paper("Once-for-All: Train One Network and Specialize it for Efficient Deployment", "Cai et al.", 2020)
    tasks = frozenset({"classification"})
    inputs: ClassVar[Mapping[str, Any]] = {
        "data": Annotated[DatasetRef, "images; the validation split, held out of training, decides what is found"]
    }
    outputs: ClassVar[Mapping[str, Any]] = {
        "supernet": Annotated[Supernet, "the elastic network, with a predictor of accuracy"],
        "model": Annotated[list[Model], "one plain network for each constraint"],
        "subnetworks": Annotated[Table, "every sub-network that was measured"],
    }

    class Config(MethodConfig):
        """What is elastic, how it trains, and what is cut from it."""

        space: SpaceConfig = Field(default_factory=SpaceConfig, description="what varies")
        stages: tuple[Stage, ...] = Field((), description="training runs in order; the paper's six when empty")
        kd_ratio: float = Field(1.0, ge=0, le=100, description="weight of the teacher's answers in the loss")
        dropout: float = Field(0.1, ge=0, lt=1, description="share of features dropped before the classifier")
        constraints: tuple[Limits, ...] = Field((), description="a network is cut for each of these limits")
        predictor_samples: int = Field(
            2000, ge=100, le=100_000, description="sub-networks measured for the predictor; 16,000 in the paper"
        )
        predictor_images: int = Field(
            10_000, ge=1, description="held-out images that sub-networks are measured on, at most"
        )
        calibration_images: int = Field(
            2000, ge=2, description="training images that the statistics of batch norms are computed on"
        )
        population: int = Field(100, ge=4, le=10_000, description="sub-networks of a generation of the search")
        generations: int = Field(500, ge=1, le=100_000, description="generations of the search")
        reported: int = Field(12, ge=1, le=1000, description="random sub-networks measured after every stage")
        controls: int = Field(
            0, ge=0, le=1000, description="random sub-networks of the same cost that each found one is compared with"
        )
        recipe: OnceForAllRecipe = Field(
            default_factory=OnceForAllRecipe, description="how to train; epochs and learning rates are the stages'"
        )

        @model_validator(mode="after")
        def _stages_have_their_own(self) -> Self:
            given = [name for name in _OF_STAGES if name in self.recipe.model_fields_set]
            if given:
                raise ValueError(f"recipe.{given[0]} belongs to the stages; set it there")
            return self

    config: Config

    def check(self, submission: Submission) -> Iterable[FieldViolation]:
        """Find impossible spaces and stages, and limits that no sub-network keeps."""
        data = submission.data("data")
        yield from recipe_violations(self.config.recipe, data)
        if self.config.recipe.compile:
            yield FieldViolation("config.recipe.compile", "must be false: every step runs other sub-networks")
        try:
            reference = self.config.space.reference(data, self.config.dropout)
        except InvalidArgument as error:
            yield from error.violations
            return
        supernet = supernet_of(inspect_model_reference(str(reference), "config.space", data, None))
        space = supernet.space
        yield from stage_violations(space, self.config.stages or papers_stages(space))
        costs = Costs(space, supernet.in_channels, supernet.num_classes)
        for index, limits in enumerate(self.config.constraints):
            yield from limit_violations(costs.limits(limits, exact_only=True), f"config.constraints.{index}")

    def run(self, job: JobContext) -> None:
        """Train stage by stage, fit the predictor, save the supernet, cut a network for each constraint."""
        data, config = job.dataset("data"), self.config
        reference = str(config.space.reference(data.info, config.dropout))
        model = load_model_reference(reference, "config.space", data.info, job.store, seed=job.seed)
        space = supernet_of(model).space
        job.logger.info("%d sub-networks at each of %d resolutions", space.subnetworks, len(space.resolutions))
        table = SubnetTable(
            job,
            data,
            calibration=config.calibration_images,
            held_out=config.predictor_images,
            samples=config.reported,
        )
        training = ShrinkingRun(job, model, data, config, table)
        training.run(config.stages or papers_stages(space), progress=(0.0, 0.7))
        predictor = sampled_predictor(job, model, table, config.predictor_samples, progress=(0.7, 0.93))
        job.figure("stages", stage_chart(table.rows, data.task.primary_metric))
        metrics = supernet_measurements(table, predictor.quality)
        job.metrics(metrics)
        job.figure("sub-networks", cost_chart(table.rows, data.task.primary_metric))
        supernet = save_supernet(job, model, data, table.images, predictor, metrics, training.seconds)
        job.add_parent(supernet)
        SpecialisedModels(job, model, data, config, table, predictor.network).run()
        job.figure("sub-networks", cost_chart(table.rows, data.task.primary_metric))
        job.save_table(table.rows, output="subnetworks", metrics=metrics)
        job.progress(1.0, "done")
