"""Random pruning: sparse training from a mask drawn at initialisation (Liu et al., 2022, sections 3.1 and 3.2).

1. Layer-wise densities d_l come from a rule (`engines.sparsity.ratios`), with sum_l d_l n_l = D sum_l n_l.
2. The positions kept inside a layer are uniform at random (`engines.sparsity.draw`).
3. The network starts as the dense one would, without rescaling, and is trained with the dense recipe; the mask
   never changes (`engines.sparsity.masks`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field
from torch import Tensor, nn

from palmette_plugins.api import (
    DataInfo,
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
    Table,
)
from palmette_plugins.datasets.batches import to_device
from palmette_plugins.engines.fresh import fresh_model
from palmette_plugins.engines.measurements import final_measurements
from palmette_plugins.engines.recipe import Recipe
from palmette_plugins.engines.recipe_check import recipe_violations
from palmette_plugins.engines.saliency import balanced_batch, grasp_scores, snip_scores
from palmette_plugins.engines.seeding import seeded_generator
from palmette_plugins.engines.sparsity.density_chart import density_chart
from palmette_plugins.engines.sparsity.draw import Draw, draw_masks
from palmette_plugins.engines.sparsity.layers import layer_shapes
from palmette_plugins.engines.sparsity.masks import masked_layers, set_masks
from palmette_plugins.engines.sparsity.plan import SparsityPlan, plan_sparsity
from palmette_plugins.engines.sparsity.ratios import Ratio
from palmette_plugins.engines.training_chart import training_chart

SNIP_BATCH = 128
GRASP_EXAMPLES_PER_CLASS = 10


def layer_scores(module: nn.Module, ratio: Ratio, data: Dataset, seed: int) -> dict[str, Tensor] | None:
    """Return the score of every maskable weight at initialisation by layer name; None for rules that need none.

    SNIP looks at one batch, GraSP at ten examples of every class; either draws them from `seed`.
    """
    if not ratio.needs_data:
        return None
    layers = [shape.name for shape in layer_shapes(module)]
    names = [f"{layer}.weight" for layer in layers]
    classes = data.info.num_classes
    per_class = SNIP_BATCH // max(1, classes) or 1
    if ratio is Ratio.GRASP_RATIO and classes:
        per_class = GRASP_EXAMPLES_PER_CLASS
    batch = balanced_batch(data, per_class, seeded_generator(seed, "random-pruning/scores"))
    batch = to_device(batch, next(module.parameters()).device)
    score = snip_scores if ratio is Ratio.SNIP_RATIO else grasp_scores
    scores = score(module, names, data.task, batch)
    return {layer: scores[name] for layer, name in zip(layers, names, strict=True)}


def with_masks(model: LoadedModel, masks: Mapping[str, Tensor]) -> LoadedModel:
    """Return the model with these masks on its weights and the edit that rebuilds them in its spec."""
    unmasked = [name for name in masks if name not in masked_layers(model.module)]
    set_masks(model.module, masks)
    return model.replaced(spec=model.spec.with_edit("mask", layers=unmasked)) if unmasked else model


def rule_violations(ratio: Ratio, data: DataInfo) -> Iterable[FieldViolation]:
    """Yield what keeps a rule from being used on `data`."""
    if ratio.needs_data and data.task == "classification" and data.num_classes == 0:
        yield FieldViolation(
            "config.ratio", f"{ratio} looks at gradients of the loss, but inputs.data has no labels; use erk"
        )


class RandomPruning(Method):
    """Train a randomly pruned network from scratch, with a mask that never changes.

    The only choice besides the density is how it is shared among the layers (`ratio`); there is no criterion to
    tune and no dense network to train first. The larger the network, the closer it comes to its dense version.
    The saved model takes room for the kept weights, and a bit for each place; `palmette artifacts show` tells its size.
    Kernels stay dense: fewer effective multiply-adds, but neither faster training nor faster serving by itself.

    The paper trains ResNets on small images with SGD at learning rate 0.1 (momentum 0.9, weight decay 5e-4, step
    decay) for 160 epochs with batches of 128, and on ImageNet Wide ResNet-50 at density 0.2 with `erk_plus`, label
    smoothing 0.1, learning rate 0.4 for batches of 768, 5 epochs of warm-up and 100 epochs.
    """

    kind = Kind.PRUNE
    paper = Paper(
        "The Unreasonable Effectiveness of Random Pruning: Return of the Most Naive Baseline for Sparse Training",
        "Liu et al.",
        2022,
    )
    inputs: ClassVar[Mapping[str, Any]] = {
        "model": Annotated[ModelRef, "the network to prune; usually untrained"],
        "data": Annotated[DatasetRef, "the dataset to train and measure on"],
    }
    outputs: ClassVar[Mapping[str, Any]] = {
        "model": Annotated[Model, "the trained sparse network; masked weights are exactly 0"],
        "plan": Annotated[Table, "density and kept weights of every layer"],
    }

    class Config(MethodConfig):
        """What to keep, and how to train."""

        density: float = Field(0.1, gt=0, le=1, description="share of all maskable weights that is kept")
        ratio: Ratio = Field(Ratio.ERK, description="rule that shares the density among the layers")
        draw: Draw = Field(
            Draw.EXACT,
            description="exact: as many positions per layer as planned; bernoulli: each position by itself",
        )
        reinitialise: bool = Field(
            True, description="start from new weights even if the model is trained; false keeps what it has learned"
        )
        recipe: Recipe = Field(default_factory=Recipe, description="how to train")

    def check(self, submission: Submission) -> Iterable[FieldViolation]:
        """Refuse models without maskable layers and densities at which a layer would keep nothing."""
        data, ratio = submission.data("data"), self.config.ratio
        yield from recipe_violations(self.config.recipe, data)
        yield from rule_violations(ratio, data)
        # Rules that look at gradients can only be planned in `run`; that there are layers at all is known now.
        known = Ratio.ERK if ratio.needs_data else ratio
        density = 1.0 if ratio.needs_data else self.config.density
        try:
            plan_sparsity(layer_shapes(submission.model("model").module), known, density)
        except InvalidArgument as error:
            yield from error.violations

    def run(self, job: JobContext) -> None:
        """Plan, mask, train, measure on the test split, save."""
        model, data = job.model("model"), job.dataset("data")
        if self.config.reinitialise:
            model = fresh_model(model, job.seed)
        plan = self._plan(job, model, data)
        masks = draw_masks(plan, self.config.draw, job.generator("random-pruning/masks"))
        model = with_masks(model, masks)
        job.figure("density", density_chart(plan, masks))
        result = job.train(model, data, self.config.recipe, progress=(0.0, 0.97))
        metrics = final_measurements(job, model, data)
        job.metrics(metrics, step=result.steps)
        job.figure("training", training_chart(result.history, data.task.primary_metric))
        job.save_table(plan_rows(plan, masks), output="plan")
        job.save_model(model, metrics=metrics, attributes={"training_seconds": result.seconds})
        job.progress(1.0, "done")

    def _plan(self, job: JobContext, model: LoadedModel, data: Dataset) -> SparsityPlan:
        ratio = self.config.ratio
        model.module.to(job.device)
        scores = layer_scores(model.module, ratio, data, job.seed)
        plan = plan_sparsity(layer_shapes(model.module), ratio, self.config.density, scores)
        job.logger.info("keeping %d of %d weights (%s)", plan.kept, plan.maskable, ratio)
        return plan


def plan_rows(plan: SparsityPlan, masks: Mapping[str, Tensor]) -> list[dict[str, object]]:
    """Return the table of a drawn plan: a row per layer."""
    return [
        {
            "layer": layer.name,
            "shape": list(layer.shape),
            "weights": layer.weights,
            "density": layer.density,
            "kept": int(masks[layer.name].sum()),
        }
        for layer in plan.layers
    ]
