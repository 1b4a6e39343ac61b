"""Global magnitude pruning of a trained model (Han et al., 2015): remove the smallest weights, then fine-tune."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from palmette_plugins.api import (
    DatasetRef,
    FieldViolation,
    JobContext,
    Kind,
    Method,
    MethodConfig,
    Model,
    ModelRef,
    Paper,
    Submission,
)
from palmette_plugins.engines.measurements import final_measurements
from palmette_plugins.engines.recipe import Recipe
from palmette_plugins.engines.sparsity.layers import layer_shapes
from palmette_plugins.engines.sparsity.masks import set_masks


def largest_weights(module: nn.Module, density: float) -> dict[str, Tensor]:
    """Return masks by layer name that keep the share `density` of all maskable weights, the largest in magnitude."""
    weights = {shape.name: module.get_parameter(f"{shape.name}.weight").detach() for shape in layer_shapes(module)}
    magnitudes = torch.cat([weight.abs().flatten() for weight in weights.values()])
    kept = torch.zeros_like(magnitudes, dtype=torch.bool)
    kept[magnitudes.topk(max(1, round(density * magnitudes.numel()))).indices] = True
    parts = kept.split([weight.numel() for weight in weights.values()])
    return {name: part.view_as(weight) for (name, weight), part in zip(weights.items(), parts, strict=True)}


class MagnitudePruning(Method):
    """Remove the smallest weights of a trained model and fine-tune what is left."""

    kind = Kind.PRUNE
    paper = Paper("Learning both Weights and Connections for Efficient Neural Networks", "Han et al.", 2015)
    inputs: ClassVar[Mapping[str, Any]] = {
        "model": Annotated[ModelRef, "a trained model"],
        "data": Annotated[DatasetRef, "the dataset to fine-tune and measure on"],
    }
    outputs: ClassVar[Mapping[str, Any]] = {"model": Annotated[Model, "the sparse model"]}

    class Config(MethodConfig):
        """How much to keep, and how to fine-tune."""

        density: float = Field(0.2, gt=0, le=1, description="share of all maskable weights that is kept")
        recipe: Recipe = Field(default_factory=lambda: Recipe(epochs=5, lr=0.01), description="how to fine-tune")

    def check(self, submission: Submission) -> Iterable[FieldViolation]:
        """Refuse untrained models: their small weights mean nothing."""
        if not submission.model("model").pretrained:
            yield FieldViolation("inputs.model", "is untrained; train it first (dense-training) and give its artifact")

    def run(self, job: JobContext) -> None:
        """Mask, fine-tune, measure, save."""
        model, data = job.model("model"), job.dataset("data")
        masks = largest_weights(model.module, self.config.density)
        set_masks(model.module, masks)
        model = model.replaced(spec=model.spec.with_edit("mask", layers=list(masks)))
        job.train(model, data, self.config.recipe, progress=(0.0, 0.95))
        metrics = final_measurements(job, model, data)
        job.metrics(metrics)
        job.save_model(model, metrics=metrics)
        job.progress(1.0, "done")
