"""A resumed run equals an undisturbed one, to the last bit."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from palmette_plugins.api import JobCancelled, LoadedModel, ModelSpec
from palmette_plugins.engines.recipe import Recipe
from palmette_plugins.engines.training import TrainingResult

RECIPES = {
    "sgd": Recipe(epochs=4, batch_size=64, nesterov=True, warmup_epochs=1),
    "adamw": Recipe(epochs=4, batch_size=64, optimizer="adamw", weight_decay=0.05, grad_clip=1.0),
    "fp32": Recipe(epochs=4, batch_size=64, precision="fp32"),
}
AUGMENTED = "fashion-mnist?limit=400"


def noisy_network() -> LoadedModel:
    """A network whose training draws from the global random state (dropout) and keeps state in buffers."""
    torch.manual_seed(3)
    module = nn.Sequential(
        nn.Conv2d(1, 8, 3, stride=2, bias=False),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Flatten(),
        nn.Dropout(0.5),
        nn.LazyLinear(10),
    )
    module(torch.zeros(2, 1, 28, 28))
    return LoadedModel(module, ModelSpec(architecture="zoo:mlp"), "test")


def trained(job: Any, recipe: Recipe) -> tuple[dict[str, torch.Tensor], TrainingResult]:
    model = noisy_network()
    result = job.train(model, job.dataset("data"), recipe)
    return model.module.state_dict(), result


def without_times(result: TrainingResult) -> list[dict[str, float]]:
    return [{name: value for name, value in row.items() if name != "seconds"} for row in result.history]


@pytest.mark.parametrize("kind", RECIPES)
def test_an_interrupted_run_ends_with_the_same_bits(make_job: Any, kind: str) -> None:
    undisturbed, first = trained(make_job("a", data=AUGMENTED)[0], RECIPES[kind])
    with pytest.raises(JobCancelled):
        trained(make_job("b", data=AUGMENTED, stop_at="validation/accuracy", stop_after=2)[0], RECIPES[kind])
    job, sink = make_job("b", data=AUGMENTED)
    torch.manual_seed(99)  # a new process: nothing of the first attempt's state is left
    resumed, second = trained(job, RECIPES[kind])

    assert len(sink.values("validation/accuracy")) == 2  # went on after epoch 2, did not start again
    assert undisturbed.keys() == resumed.keys()
    assert all(torch.equal(undisturbed[name], resumed[name]) for name in undisturbed)
    assert without_times(first) == without_times(second)


def two_phases(job: Any) -> tuple[torch.Tensor, torch.Tensor]:
    model = noisy_network()
    data = job.dataset("data")
    job.train(model, data, Recipe(epochs=2, batch_size=64), phase="small", progress=(0, 0.5))
    drawn = torch.rand(3)  # what a method draws between its phases
    job.train(model, data, Recipe(epochs=3, batch_size=64, lr=0.01), phase="large", progress=(0.5, 1))
    return torch.cat([value.flatten().float() for value in model.module.state_dict().values()]), drawn


def test_a_method_of_two_phases_resumes_in_the_one_it_was_in(make_job: Any) -> None:
    undisturbed, drawn = two_phases(make_job("a", data=AUGMENTED)[0])
    with pytest.raises(JobCancelled):
        two_phases(make_job("b", data=AUGMENTED, stop_at="large/validation/accuracy", stop_after=1)[0])
    job, sink = make_job("b", data=AUGMENTED)
    torch.manual_seed(99)
    resumed, drawn_again = two_phases(job)

    assert sink.values("small/train/loss") == []  # the finished phase is not trained again
    assert len(sink.values("large/validation/accuracy")) == 2
    assert torch.equal(undisturbed, resumed)
    assert torch.equal(drawn, drawn_again)


def test_a_finished_job_only_loads_its_weights(make_job: Any) -> None:
    finished, result = trained(make_job("a", data=AUGMENTED)[0], RECIPES["sgd"])
    job, sink = make_job("a", data=AUGMENTED)
    again, loaded = trained(job, RECIPES["sgd"])
    assert sink.metrics == []
    assert loaded == result
    assert all(torch.equal(finished[name], again[name]) for name in finished)
