"""Dense training: a model trained as it is, the baseline that reduced models are compared with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field

from palmette_plugins.api import (
    DatasetRef,
    FieldViolation,
    JobContext,
    Kind,
    Method,
    MethodConfig,
    Model,
    ModelRef,
    Submission,
)
from palmette_plugins.engines.measurements import final_measurements
from palmette_plugins.engines.recipe import Recipe
from palmette_plugins.engines.recipe_check import recipe_violations
from palmette_plugins.engines.training_chart import training_chart


class DenseTraining(Method):
    """Train a model as it is: the baseline, or some more epochs for an artifact.

    A new model (``zoo:``, ``timm:``, ``hf:``) starts from weights drawn from the job's seed; an artifact or a
    pretrained model goes on from its own weights. Masks of a pruned artifact are kept: what is 0 stays 0.
    """

    kind = Kind.TRAIN
    inputs: ClassVar[Mapping[str, Any]] = {
        "model": Annotated[ModelRef, "the model to train"],
        "data": Annotated[DatasetRef, "the dataset to train and measure on"],
    }
    outputs: ClassVar[Mapping[str, Any]] = {"model": Annotated[Model, "the trained model"]}

    class Config(MethodConfig):
        """How to train."""

        recipe: Recipe = Field(default_factory=Recipe, description="how to train")

    def check(self, submission: Submission) -> Iterable[FieldViolation]:
        """Refuse a recipe that the task does not support."""
        yield from recipe_violations(self.config.recipe, submission.data("data"))

    def run(self, job: JobContext) -> None:
        """Train, measure on the test split, save."""
        model, data = job.model("model"), job.dataset("data")
        result = job.train(model, data, self.config.recipe, progress=(0.0, 0.97))
        metrics = final_measurements(job, model, data)
        job.metrics(metrics, step=result.steps)
        job.figure("training", training_chart(result.history, data.task.primary_metric))
        job.save_model(model, metrics=metrics, attributes={"training_seconds": result.seconds})
        job.progress(1.0, "done")
