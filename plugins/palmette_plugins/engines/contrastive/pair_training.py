"""Training on image-text pairs: so many samples, however many different ones there are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor
from torch.utils.data import Dataset as TorchDataset

from palmette_plugins.api.data import Dataset
from palmette_plugins.api.errors import InvalidArgument
from palmette_plugins.datasets.augmentation import ImageOperation
from palmette_plugins.datasets.pair_dataset import pair_info
from palmette_plugins.datasets.pair_preparation import PairPreparation
from palmette_plugins.datasets.prepared_pairs import PreparedPairs
from palmette_plugins.engines.contrastive.pair_model import PairModel
from palmette_plugins.engines.optimizers import split_by_decay
from palmette_plugins.engines.recipe import OptimizerKind, Precision, Recipe, ScheduleKind
from palmette_plugins.engines.training import Objective, TrainingResult
from palmette_plugins.tasks.contrastive_pairs import ContrastivePairs

if TYPE_CHECKING:
    from palmette_plugins.api.job import JobContext

_MOST_EPOCHS = 10_000
_CHECKPOINTS = 10  # of one run
_LONGEST_WARMUP = 0.2  # of all steps


class PairRecipe(BaseModel):
    """How to train on pairs: AdamW, a warm-up, then half a cosine. The defaults are the paper's for 128M pairs."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, allow_inf_nan=False)

    batch_size: int = Field(4096, ge=2, le=1_000_000, description="pairs per step, over all processes together")
    lr: float = Field(5e-4, gt=0, le=1, description="largest learning rate")
    warmup_steps: int = Field(
        500, ge=0, description="steps over which it rises linearly; at most a fifth of the run's steps are"
    )
    weight_decay: float = Field(0.2, ge=0, le=1, description="decoupled; of weights, not of biases and norms")
    beta1: float = Field(0.9, ge=0, lt=1, description="Adam's first moment")
    beta2: float = Field(0.98, ge=0, lt=1, description="Adam's second moment; the paper has 0.95 for ViT-L/14")
    grad_clip: float = Field(0.0, ge=0, description="largest norm of the gradient; 0 for no clipping")
    precision: Precision = Field(Precision.AUTO, description="auto is bf16 where the hardware multiplies it")


@dataclass(frozen=True)
class PairInputs:
    """Makes inputs of a training batch on its device: standardises, augments, draws a template.

    Attributes:
        preparation: The model's.
        operations: Changes of the standardised images.
        captions: int64 (classes, templates, L): what an image of a class may be called; None where every pair has a
            caption of its own.
    """

    preparation: PairPreparation
    operations: tuple[ImageOperation, ...] = ()
    captions: Tensor | None = None

    def __call__(self, batch: Any, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return images and tokens for (pixels, tokens) or (pixels, tokens, class or -1)."""
        pixels, tokens, *rows = batch
        images = self.preparation.standardised(pixels)
        for operation in self.operations:
            images = operation(images, generator)
        if self.captions is not None and rows:
            tokens = self._drawn(tokens, rows[0], generator)
        return images, tokens

    def _drawn(self, tokens: Tensor, classes: Tensor, generator: torch.Generator) -> Tensor:
        assert self.captions is not None
        draw = torch.randint(self.captions.shape[1], classes.shape, generator=generator).to(tokens.device)
        drawn = self.captions.to(tokens.device)[classes.clamp(min=0), draw]
        return torch.where((classes >= 0).unsqueeze(1), drawn, tokens)


def train_on_pairs(
    job: JobContext,
    model: PairModel,
    prepared: PreparedPairs,
    recipe: PairRecipe,
    samples: int,
    *,
    phase: str,
    progress: tuple[float, float],
    indices: Tensor | None = None,
    inputs: PairInputs | None = None,
    classes: Tensor | None = None,
    draws: str | None = None,
    objective: Objective | None = None,
) -> TrainingResult:
    """Train `model` in place on ``samples // batch_size`` batches, with repetition, and return what was done.

    Args:
        job: The running job.
        model: The model.
        prepared: The pairs, prepared for this model.
        recipe: How to train.
        samples: Pairs to see, each counted as often as it is.
        phase: Name of this run within the job.
        progress: Range of the job's progress.
        indices: Which of the pairs, int64; all when None.
        inputs: Augmentation and templates; only standardised when None.
        classes: int64 (N,): class of each prepared pair for the templates of `inputs`, -1 for its own caption.
        draws: What the random draws are named after, `phase` when None.
        objective: The loss instead of the contrastive one.

    Raises:
        InvalidArgument: There is no pair to train on, or too few for so many samples.
    """
    indices = torch.arange(len(prepared)) if indices is None else indices
    if len(indices) == 0:
        raise InvalidArgument.field("inputs", f"no readable pair to train on in phase '{phase}'")
    if len(indices) < recipe.batch_size:  # a batch smaller than the recipe's would be another recipe
        indices = indices.repeat(math.ceil(recipe.batch_size / len(indices)))[: recipe.batch_size]
    return job.train(
        model.loaded,
        _training_data(prepared, indices, inputs, classes),
        _engine_recipe(recipe, samples // recipe.batch_size, len(indices) // recipe.batch_size),
        phase=phase,
        progress=progress,
        parameter_groups=_parameter_groups(model, recipe),
        validate_split=None,
        draws=draws,
        objective=objective,
    )


def _training_data(
    prepared: PreparedPairs, indices: Tensor, inputs: PairInputs | None, classes: Tensor | None
) -> Dataset:
    split: TorchDataset[Any] = prepared.split(indices, *(() if classes is None else (classes,)))
    wanted = prepared.preparation
    return Dataset(
        info=pair_info("", len(indices), wanted.channels, wanted.height),
        task=ContrastivePairs(),
        splits={"train": split},
        fingerprint="",
        train_augmentation=inputs or PairInputs(wanted),
    )


def _parameter_groups(model: PairModel, recipe: PairRecipe) -> list[dict[str, Any]]:
    """Return groups with the recipe's moments; what has one dimension or none does not decay."""
    weights, rest = split_by_decay(parameter for parameter in model.module.parameters() if parameter.requires_grad)
    betas = (recipe.beta1, recipe.beta2)
    return [{"params": weights, "betas": betas}, {"params": rest, "betas": betas, "weight_decay": 0.0}]


def _engine_recipe(recipe: PairRecipe, steps: int, steps_per_epoch: int) -> Recipe:
    epochs = math.ceil(steps / steps_per_epoch)
    if not 0 < epochs <= _MOST_EPOCHS:
        text = f"{steps} steps are {epochs} passes over the pairs; from 1 to {_MOST_EPOCHS} are possible"
        raise InvalidArgument.field("config.samples_seen", text)
    warmup = min(recipe.warmup_steps, int(steps * _LONGEST_WARMUP))
    return Recipe(
        epochs=epochs,
        batch_size=recipe.batch_size,
        optimizer=OptimizerKind.ADAMW,
        lr=recipe.lr,
        momentum=recipe.beta1,
        weight_decay=recipe.weight_decay,
        schedule=ScheduleKind.COSINE,
        warmup_epochs=warmup / steps_per_epoch,
        grad_clip=recipe.grad_clip,
        precision=recipe.precision,
        max_steps=steps,
        checkpoint_every_epochs=max(1, epochs // _CHECKPOINTS),
    )
