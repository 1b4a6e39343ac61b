"""The layer lottery: a shallow network found before any training (Jordao et al., 2023, section 3)."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Annotated, Any, ClassVar, Self

import torch
from pydantic import Field, model_validator
from torch import nn

from palmette_plugins.api import (
    Dataset,
    DatasetRef,
    FieldViolation,
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
from palmette_plugins.architectures.residual import removable_blocks
from palmette_plugins.datasets.batches import gather, to_device
from palmette_plugins.edits.drop_blocks import drop_blocks
from palmette_plugins.engines.block_costs import BlockCosts, block_costs
from palmette_plugins.engines.fresh import fresh_model
from palmette_plugins.engines.measurements import final_measurements
from palmette_plugins.engines.recipe import Recipe
from palmette_plugins.engines.recipe_check import recipe_violations
from palmette_plugins.engines.saliency import Aggregation, balanced_batch
from palmette_plugins.engines.saliency.block_removal import Criterion, Removal, remove_blocks, score_blocks
from palmette_plugins.engines.saliency.charts import importance_chart
from palmette_plugins.engines.step_time import training_step_ms
from palmette_plugins.engines.training import TrainingResult
from palmette_plugins.engines.training_chart import training_chart


class When(StrEnum):
    """When blocks are scored."""

    INIT = "init"
    TRAINED = "trained"


class LayerLottery(Method):
    """Find a shallower network before training: blocks are scored at initialisation and the weakest left out.

    The ticket keeps the initial weights of the blocks that stay and trains with the recipe of the deep network. It
    trains and answers faster than the deep network, by the time of the blocks that are gone. With ``when=trained``
    the deep network is trained first, scored then, and the ticket rewound to the initial weights.
    """

    kind = Kind.PRUNE
    paper = Paper("When Layers Play the Lottery, all Tickets Win at Initialization", "Jordao et al.", 2023)
    inputs: ClassVar[Mapping[str, Any]] = {
        "model": Annotated[ModelRef, "the deep network: residual, or a transformer; usually untrained"],
        "data": Annotated[DatasetRef, "the dataset to score, train and measure on"],
    }
    outputs: ClassVar[Mapping[str, Any]] = {"model": Annotated[Model, "the shallow network, trained"]}

    class Config(MethodConfig):
        """Settings."""

        blocks_removed: int | None = Field(None, ge=1, description="blocks to leave out; or set macs_reduction")
        macs_reduction: float | None = Field(
            None, gt=0, lt=1, description="share of the multiply-adds to save at least; or set blocks_removed"
        )
        criterion: Criterion = Field(Criterion.GRASP, description="what makes a block important")
        aggregation: Aggregation = Field(
            Aggregation.MEAN, description="how the scores of a block's weights become one number"
        )
        when: When = Field(When.INIT, description="score before training, or after it and rewind to the start")
        batch_per_class: int = Field(
            10, ge=1, le=10_000, description="examples per class in the scoring batch; without classes, examples in all"
        )
        reinitialise: bool = Field(
            True,
            description="start from new weights even if the model is trained; false starts from what it has learned",
        )
        recipe: Recipe = Field(default_factory=Recipe, description="how to train the ticket")
        dense_recipe: Recipe | None = Field(
            None, description="with when=trained: how to train the deep network; as the ticket when left out"
        )
        power_w: float = Field(
            100.0, gt=0, description="power that the energy estimate assumes while training, in watts"
        )

        @model_validator(mode="after")
        def _fields_fit_together(self) -> Self:
            if (self.blocks_removed is None) == (self.macs_reduction is None):
                raise ValueError("set exactly one of blocks_removed and macs_reduction")
            if self.dense_recipe is None:
                return self
            if self.when is When.INIT:
                raise ValueError("dense_recipe needs when=trained: with when=init the deep network is never trained")
            if self.dense_recipe.epochs < self.recipe.epochs:
                raise ValueError(
                    f"when=trained needs at least as many epochs in dense_recipe ({self.dense_recipe.epochs}) as in "
                    f"recipe ({self.recipe.epochs}): an unfinished network's scores say little"
                )
            return self

    config: Config

    def check(self, submission: Submission) -> Iterable[FieldViolation]:
        """Find networks without removable blocks, and more removals than there are blocks."""
        yield from recipe_violations(self.config.recipe, submission.data("data"))
        if self.config.dense_recipe is not None:
            yield from recipe_violations(self.config.dense_recipe, submission.data("data"), "config.dense_recipe")
        module = submission.model("model").module
        blocks = removable_blocks(module)
        if not blocks:
            yield FieldViolation(
                "inputs.model",
                f"'{submission.spec.inputs['model'][0]}' has no removable block: no residual block with an identity "
                "shortcut and no transformer layer; use a residual network or a transformer",
            )
            return
        if self.config.blocks_removed is not None and self.config.blocks_removed > len(blocks):
            yield FieldViolation(
                "config.blocks_removed",
                f"at most {len(blocks)}: the network has no more removable blocks; got {self.config.blocks_removed}",
            )
        if self.config.macs_reduction is not None:
            costs = block_costs(module, blocks, submission.data("data"))
            most = 1 - costs.without(blocks) / costs.model.macs
            if self.config.macs_reduction > most:
                yield FieldViolation(
                    "config.macs_reduction",
                    f"without all {len(blocks)} removable blocks the network saves {most:.4f} at most, "
                    f"got {self.config.macs_reduction}",
                )

    def run(self, job: JobContext) -> None:
        """Draw the ticket, train it, save it."""
        model, data = job.model("model"), job.dataset("data")
        if self.config.reinitialise:
            model = fresh_model(model, job.seed)
        costs = block_costs(model.module, removable_blocks(model.module), data.info)
        dense = self._dense_training(job, model, data) if self.config.when is When.TRAINED else None
        removals = self._draw(job, dense.model if dense else model, data, costs)
        names = [removal.block for removal in removals]
        job.figure("importance", importance_chart([removal.importance for removal in removals], names))

        deep = copy.deepcopy(model.module)
        ticket = model.replaced(
            module=drop_blocks(model.module, names=names), spec=model.spec.with_edit("drop_blocks", names=names)
        )
        step_times = _step_times_ms(job, deep, ticket.module, data)
        trained = job.train(ticket, data, self.config.recipe, progress=(0.5 if dense else 0.03, 0.97))
        seconds = trained.seconds + (dense.result.seconds if dense else 0.0)
        metrics = {
            **final_measurements(job, ticket, data),
            "blocks": float(len(costs.blocks) - len(names)),
            "dense/parameters": float(costs.model.parameters),
            "dense/macs": float(costs.model.macs),
            **step_times,
            "training_seconds": seconds,
            "energy_estimate_wh": seconds * self.config.power_w / 3600,
        }
        job.metrics(metrics, step=trained.steps)
        job.figure("training", training_chart(trained.history, data.task.primary_metric))
        job.save_model(ticket, metrics=metrics, attributes={"blocks_removed": names})
        job.progress(1.0, "done")

    def _dense_training(self, job: JobContext, model: LoadedModel, data: Dataset) -> _Dense:
        """Train a copy of the deep network, to be scored."""
        dense = model.replaced(module=copy.deepcopy(model.module))
        recipe = self.config.dense_recipe or self.config.recipe
        return _Dense(dense, job.train(dense, data, recipe, phase="dense", progress=(0.0, 0.45)))

    def _draw(self, job: JobContext, model: LoadedModel, data: Dataset, costs: BlockCosts) -> list[Removal]:
        """Choose the blocks to leave out; a resumed job reads what it chose before."""
        if (found := job.phases.finished("ticket")) is not None:
            return [Removal(**removal) for removal in found["removals"]]
        batch = balanced_batch(data, self.config.batch_per_class, job.generator("scoring batch"))
        generator = job.generator("random importance")
        module = copy.deepcopy(model.module).to(job.device)

        def importance(shallower: nn.Module, blocks: list[str]) -> dict[str, float]:
            job.progress(0.45 if self.config.when is When.TRAINED else 0.0, f"scoring {len(blocks)} blocks")
            return score_blocks(
                shallower,
                blocks,
                criterion=self.config.criterion,
                aggregation=self.config.aggregation,
                task=data.task,
                batch=to_device(batch, job.device),
                generator=generator,
            )

        removals = remove_blocks(module, importance, partial(self._enough, costs))
        job.phases.finish("ticket", {"removals": [vars(removal) for removal in removals]})
        return removals

    def _enough(self, costs: BlockCosts, removed: list[str]) -> bool:
        if self.config.blocks_removed is not None:
            return len(removed) >= self.config.blocks_removed
        assert self.config.macs_reduction is not None
        return costs.without(removed) <= (1 - self.config.macs_reduction) * costs.model.macs


@dataclass(frozen=True)
class _Dense:
    """The trained deep network."""

    model: LoadedModel
    result: TrainingResult


def _step_times_ms(job: JobContext, deep: nn.Module, ticket: nn.Module, data: Dataset) -> dict[str, float]:
    """Return the time of one training step of both networks, on a batch of the recipe's size."""
    size = min(job.method.config.recipe.batch_size, len(data["train"]))  # type: ignore[arg-type]
    batch = to_device(gather(data["train"], torch.arange(size)), job.device)
    dense_ms, ticket_ms = training_step_ms([deep.to(job.device), ticket.to(job.device)], data.task, batch)
    return {"step_time_ms": ticket_ms, "dense/step_time_ms": dense_ms}
