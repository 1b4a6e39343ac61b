"""Guidance: a network trained towards the representations of a guide (Subramaniam et al., 2025).

loss = task loss + alpha * sum over pairs of layers of (1 - similarity), with the layers of a frozen guide spread
evenly over those of the target (`engines.representations`). The guide may be trained, or as it was drawn: then only
its architecture guides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from palmette_plugins.api import (
    Dataset,
    DatasetRef,
    FieldViolation,
    InvalidArgument,
    JobContext,
    Kind,
    LoadedModel,
    Method,
    MethodConfig,
    Model,
    ModelRef,
    Paper,
    Submission,
)
from palmette_plugins.engines.fresh import fresh_model
from palmette_plugins.engines.measurements import final_measurements
from palmette_plugins.engines.profiling.examples import example_inputs
from palmette_plugins.engines.recipe import OptimizerKind, Recipe, ScheduleKind
from palmette_plugins.engines.recipe_check import recipe_violations
from palmette_plugins.engines.recipe_defaults import recipe_default
from palmette_plugins.engines.representations import Collisions, Distance, Pair, spread_pairs, tap_names
from palmette_plugins.engines.representations.pairing import chosen
from palmette_plugins.engines.training_chart import training_chart
from palmette_plugins.guided_training.consistency import error_consistency
from palmette_plugins.guided_training.guided_run import GuidedRun, GuideInput

SMALL_BATCH = 64


class GuidanceRecipe(Recipe):
    """How to train the target; the defaults are the paper's."""

    epochs: int = recipe_default("epochs", 100)
    batch_size: int = recipe_default("batch_size", 256)
    optimizer: OptimizerKind = recipe_default("optimizer", OptimizerKind.ADAMW)
    lr: float = recipe_default("lr", 1e-3)
    weight_decay: float = recipe_default("weight_decay", 0.0)
    schedule: ScheduleKind = recipe_default("schedule", ScheduleKind.STEP)
    milestones: tuple[int, ...] = recipe_default("milestones", (30, 60, 90))


class NamedPair(BaseModel):
    """A layer of the target and the layer of the guide that it follows."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    target: str = Field(min_length=1, description="module of the target")
    guide: str = Field(min_length=1, description="module of the guide")


class Guidance(Method):
    """Train a network that fails on its own by pulling its layers towards those of a guide.

    The guide is any other network, frozen: trained, or never trained. What is served is the target alone, with its
    own architecture. A guide can be needed for the first steps only (`guide_steps`).

    The paper trains deep perceptrons and ResNets without shortcuts on ImageNet under a ResNet-18 or ResNet-50 with
    Adam, batches of 256 and 100 epochs.
    """

    kind = Kind.TRAIN
    paper = Paper(
        "Training the Untrainable: Introducing Inductive Bias via Representational Alignment",
        "Subramaniam et al.",
        2025,
    )
    inputs: ClassVar[Mapping[str, Any]] = {
        "target": Annotated[ModelRef, "the network to train"],
        "guide": Annotated[ModelRef, "the network to follow; an artifact, or an architecture for an untrained guide"],
        "data": Annotated[DatasetRef, "the dataset to train and measure on"],
    }
    outputs: ClassVar[Mapping[str, Any]] = {"model": Annotated[Model, "the trained target"]}

    class Config(MethodConfig):
        """How to guide, and how to train."""

        alpha: float = Field(1.0, ge=0, le=1e6, description="weight of the guide's term")
        distance: Distance = Field(
            Distance.CKA, description="cka: linear centred kernel alignment; rsa: correlation of cosine matrices"
        )
        guide_trained: bool = Field(
            True, description="true: the guide as it is, which must be trained; false: drawn anew from the job's seed"
        )
        guide_steps: int | None = Field(
            None, ge=0, description="guide the first so many steps only, then train on the task alone; all when empty"
        )
        guide_input: GuideInput = Field(
            GuideInput.BATCH, description="what the guide sees: the same batch, or noise of the same shape"
        )
        collisions: Collisions = Field(
            Collisions.ALL, description="several guide layers on one target layer: all count, or only the last"
        )
        taps_target: tuple[str, ...] = Field((), description="layers of the target to use; all tapped ones when empty")
        taps_guide: tuple[str, ...] = Field((), description="layers of the guide to use; all tapped ones when empty")
        pairs: tuple[NamedPair, ...] = Field((), description="explicit pairs instead of an even spread")
        per_position: bool = Field(False, description="sequences: compare position by position and sum")
        baseline: bool = Field(True, description="also train the same target without a guide, to compare")
        recipe: GuidanceRecipe = Field(default_factory=GuidanceRecipe, description="how to train")

        @model_validator(mode="after")
        def _fields_fit_together(self) -> Self:
            if self.pairs and (self.taps_target or self.taps_guide):
                raise ValueError("pairs name the layers themselves; leave taps_target and taps_guide out")
            if self.recipe.batch_size < 2:
                raise ValueError("recipe.batch_size must be at least 2: similarities compare examples of a batch")
            return self

    config: Config

    def check(self, submission: Submission) -> Iterable[FieldViolation]:
        """Refuse unknown layers, too few of them, and a guide that has learned nothing though it should have."""
        yield from recipe_violations(self.config.recipe, submission.data("data"))
        guide = submission.model("guide")
        if self.config.guide_trained and not guide.pretrained:
            yield FieldViolation(
                "inputs.guide",
                f"'{guide.reference}' is not trained; give an artifact or a pretrained model, or set guide_trained "
                "to false to guide by its architecture alone",
            )
        data = submission.data("data")
        try:
            taps = [
                tap_names(model.module, example_inputs(model, data)) for model in (submission.model("target"), guide)
            ]
            layer_pairs(self.config, *taps)
        except InvalidArgument as error:
            yield from error.violations

    def run(self, job: JobContext) -> None:
        """Train under the guide, then (as a baseline) without it; compare and save."""
        target, guide, data = job.model("target"), job.model("guide"), job.dataset("data")
        if not self.config.guide_trained:
            guide = fresh_model(guide, job.seed)
        inputs = example_inputs(target, data.info)
        pairs = layer_pairs(self.config, tap_names(target.module, inputs), tap_names(guide.module, inputs))
        if self.config.recipe.batch_size < SMALL_BATCH:
            job.logger.warning(
                "batches of %d are small: similarities of unrelated layers are near 1 below %d examples, so the guide "
                "pulls little",
                self.config.recipe.batch_size,
                SMALL_BATCH,
            )
        run = GuidedRun(job, data, self.config, pairs)
        result = run.guided(target, guide)
        metrics = final_measurements(job, target, data)
        metrics |= self._comparison(job, data, target, guide)
        if self.config.baseline:
            unguided = run.unguided(target)
            metrics |= {f"unguided/{name}": value for name, value in job.evaluate(unguided, data).items()}
        job.metrics(metrics, step=result.steps)
        job.figure("training", training_chart(result.history, data.task.primary_metric))
        job.save_model(target, metrics=metrics, attributes={"training_seconds": result.seconds})
        job.progress(1.0, "done")

    def _comparison(self, job: JobContext, data: Dataset, target: LoadedModel, guide: LoadedModel) -> dict[str, float]:
        """Return what the guide reaches itself, and whether the target errs where its guide does."""
        metrics = {f"guide/{name}": value for name, value in job.evaluate(guide, data).items()}
        if data.info.task == "classification":
            metrics["guide/error-consistency"] = error_consistency(job, target.module, guide.module, data)
        return metrics


def layer_pairs(config: Guidance.Config, target: list[str], guide: list[str]) -> list[Pair]:
    """Return which layer of the target follows which of the guide.

    Raises:
        InvalidArgument: A name that is no tapped layer, with the nearest ones; or no pair at all.
    """
    if config.pairs:
        for index, pair in enumerate(config.pairs):
            chosen(target, [pair.target], f"config.pairs[{index}].target")
            chosen(guide, [pair.guide], f"config.pairs[{index}].guide")
        return [Pair(pair.target, pair.guide) for pair in config.pairs]
    of_target = chosen(target, config.taps_target, "config.taps_target")
    of_guide = chosen(guide, config.taps_guide, "config.taps_guide")
    pairs = spread_pairs(of_target, of_guide, config.collisions)
    if not pairs:
        which = "inputs.target" if not of_target else "inputs.guide"
        raise InvalidArgument.field(which, "has no layer before its last one, so there is nothing to pair")
    return pairs
