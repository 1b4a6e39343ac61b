"""Losses of a method's own, and modules that train beside the model."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from palmette_plugins.api import JobCancelled
from palmette_plugins.engines.recipe import Recipe
from palmette_plugins.engines.training import TrainingStep

RECIPE = Recipe(epochs=3, precision="fp32", evaluate_every_epochs=1)


def head() -> nn.Module:
    torch.manual_seed(5)
    return nn.Linear(10, 2)


def confusing(head: nn.Module) -> Any:
    """The task's loss, and a head on the logits that learns a thing of its own."""

    def loss(step: TrainingStep) -> torch.Tensor:
        target = step.batch[1] % 2
        return F.cross_entropy(step.outputs, step.batch[1]) + F.cross_entropy(head(step.outputs.float()), target)

    return loss


def test_an_objective_replaces_the_tasks_loss(make_job: Any) -> None:
    def weights(name: str, **options: Any) -> torch.Tensor:
        job, _ = make_job(name)
        model = job.model("model")
        job.train(model, job.dataset("data"), RECIPE.model_copy(update={"max_steps": 3}), **options)
        return model.module.fc.weight.detach()

    same = weights("b", objective=lambda step: F.cross_entropy(step.outputs, step.batch[1]))
    other = weights("c", objective=lambda step: step.outputs.square().mean())
    assert torch.equal(weights("a"), same)
    assert not torch.equal(same, other)


def test_a_loss_knows_the_number_of_its_step(make_job: Any) -> None:
    job, _ = make_job()
    numbers: list[int] = []

    def count(step: TrainingStep) -> torch.Tensor:
        numbers.append(step.number)
        return step.outputs.new_zeros(())

    recipe = RECIPE.model_copy(update={"max_steps": 4})
    job.train(job.model("model"), job.dataset("data"), recipe, extra_loss=count, validate_split=None)
    assert numbers == [0, 1, 2, 3]


def test_a_companion_trains_and_resumes_to_the_last_bit(make_job: Any) -> None:
    def attempt(job: Any) -> tuple[nn.Module, dict[str, torch.Tensor]]:
        beside, model = head(), job.model("model")
        job.train(model, job.dataset("data"), RECIPE, objective=confusing(beside), companions={"head": beside})
        return beside, model.module.state_dict()

    undisturbed, weights = attempt(make_job("a")[0])
    assert not torch.equal(undisturbed.weight, head().weight)
    with pytest.raises(JobCancelled):
        attempt(make_job("b", stop_at="validation/accuracy", stop_after=2)[0])
    resumed, again = attempt(make_job("b")[0])
    assert torch.equal(undisturbed.weight, resumed.weight)
    assert all(torch.equal(weights[name], again[name]) for name in weights)
    loaded, _ = attempt(make_job("b")[0])  # finished: returns at once, with what was learned
    assert torch.equal(undisturbed.weight, loaded.weight)


def test_a_companion_in_a_group_of_its_own_is_not_added_twice(make_job: Any) -> None:
    job, _ = make_job()
    beside, model = head(), job.model("model")
    groups = [{"params": list(model.module.parameters())}, {"params": list(beside.parameters()), "lr": 1e-9}]
    job.train(
        model,
        job.dataset("data"),
        RECIPE.model_copy(update={"max_steps": 2}),
        objective=confusing(beside),
        companions={"head": beside},
        parameter_groups=groups,
        validate_split=None,
    )
    assert torch.allclose(beside.weight, head().weight, atol=1e-6)  # its own tiny learning rate held
