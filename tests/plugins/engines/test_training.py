"""Training: what it does to the model, what it reports, how it fails."""

from __future__ import annotations

import copy
import math
from typing import Any

import pytest
import torch

from palmette_plugins.api import FailedPrecondition, InvalidArgument, JobCancelled
from palmette_plugins.engines.recipe import Recipe

FP32 = {"precision": "fp32"}


def test_training_learns_and_leaves_a_plain_module(make_job: Any) -> None:
    job, sink = make_job()
    model, data = job.model("model"), job.dataset("data")
    before = {name: value.clone() for name, value in model.module.state_dict().items()}
    result = job.train(model, data, Recipe(epochs=3))

    assert result.validation["accuracy"] > 0.5  # ten classes: chance is 0.1
    assert result.steps == 3 * (len(data["train"]) // 128)
    assert result.examples == result.steps * 128
    assert [row["epoch"] for row in result.history] == [1.0, 2.0, 3.0]
    assert any(not torch.equal(before[name], value) for name, value in model.module.state_dict().items())
    assert "forward" not in vars(model.module)
    assert all(parameter.is_contiguous() for parameter in model.module.parameters())
    assert all(parameter.dtype is torch.float32 for parameter in model.module.parameters())
    assert sink.values("validation/accuracy") == [row["validation/accuracy"] for row in result.history]
    assert sink.values("train/loss")[-1] < sink.values("train/loss")[0]
    assert sink.fractions[-1] == 1.0


def test_progress_stays_in_the_range_given(make_job: Any) -> None:
    job, sink = make_job()
    job.train(job.model("model"), job.dataset("data"), Recipe(epochs=1), progress=(0.25, 0.5))
    assert min(sink.fractions) >= 0.25
    assert sink.fractions[-1] == 0.5


def test_one_seed_gives_one_result_and_two_seeds_two(make_job: Any) -> None:
    def weights(name: str, seed: int) -> torch.Tensor:
        job, _ = make_job(name, seed=seed)
        model = job.model("model")
        job.train(model, job.dataset("data"), Recipe(epochs=1))
        return torch.cat([parameter.detach().flatten() for parameter in model.module.parameters()])

    assert torch.equal(weights("a", 1), weights("b", 1))
    assert not torch.equal(weights("c", 1), weights("d", 2))


def test_max_steps_ends_a_run_within_an_epoch(make_job: Any) -> None:
    job, _ = make_job()
    result = job.train(job.model("model"), job.dataset("data"), Recipe(epochs=5, max_steps=13))
    assert result.steps == 13
    assert len(result.history) == math.ceil(13 / 9)


def test_a_second_run_of_the_same_module_computes_in_the_precision_asked_for(make_job: Any) -> None:
    job, _ = make_job()
    model, data = job.model("model"), job.dataset("data")
    seen: list[torch.dtype] = []
    handle = model.module.conv1.register_forward_hook(lambda _, __, output: seen.append(output.dtype))
    for phase, precision in (("first", "bf16"), ("second", "bf16"), ("third", "fp32")):
        job.train(model, data, Recipe(epochs=1, max_steps=1, precision=precision), phase=phase, validate_split=None)
    handle.remove()
    assert seen == [torch.bfloat16, torch.bfloat16, torch.float32]


def test_an_extra_loss_and_a_hook_after_each_step_take_part(make_job: Any) -> None:
    def trained(name: str, **options: Any) -> torch.Tensor:
        job, _ = make_job(name)
        model = job.model("model")
        job.train(model, job.dataset("data"), Recipe(epochs=1, max_steps=3, **FP32), validate_split=None, **options)
        return model.module.fc.weight.detach()

    steps: list[int] = []
    plain = trained("a")
    with_zero = trained("b", extra_loss=lambda step: step.outputs.sum() * 0)
    with_more = trained("c", extra_loss=lambda step: step.outputs.square().mean())
    trained("d", after_step=lambda module, step: steps.append(step))
    assert torch.equal(plain, with_zero)
    assert not torch.equal(plain, with_more)
    assert steps == [0, 1, 2]


def test_gradients_are_clipped(make_job: Any) -> None:
    job, _ = make_job()
    model = job.model("model")
    before = copy.deepcopy(model.module.state_dict())
    recipe = Recipe(epochs=1, max_steps=1, lr=1.0, momentum=0, weight_decay=0, schedule="constant", grad_clip=0.01)
    job.train(model, job.dataset("data"), recipe, validate_split=None)
    step = [parameter - before[name] for name, parameter in model.module.named_parameters()]
    assert math.sqrt(sum(float(part.detach().double().square().sum()) for part in step)) == pytest.approx(
        0.01, rel=1e-3
    )


def test_label_smoothing_softens_the_targets(make_job: Any) -> None:
    def first_loss(name: str, smoothing: float) -> float:
        job, sink = make_job(name)
        recipe = Recipe(epochs=1, max_steps=1, label_smoothing=smoothing, **FP32)
        job.train(job.model("model"), job.dataset("data"), recipe, validate_split=None)
        return sink.values("train/loss")[0]

    assert first_loss("a", 0.0) != first_loss("b", 0.2)


def test_label_smoothing_is_refused_where_there_are_no_classes(make_job: Any) -> None:
    job, _ = make_job(data="prose?limit=64&context=32", model="zoo:tiny-gpt")
    with pytest.raises(InvalidArgument, match="label_smoothing"):
        job.train(job.model("model"), job.dataset("data"), Recipe(epochs=1, label_smoothing=0.1))


def test_a_diverging_run_says_what_to_change(make_job: Any) -> None:
    job, _ = make_job()
    recipe = Recipe(epochs=1, lr=10, momentum=0.99, schedule="constant", weight_decay=1.0)
    model = job.model("model")
    model.module.fc.weight.data.fill_(float("inf"))
    with pytest.raises(FailedPrecondition, match=r"lower config\.recipe\.lr"):
        job.train(model, job.dataset("data"), recipe)


def test_fp16_needs_a_gpu(make_job: Any) -> None:
    if torch.cuda.is_available():
        return
    job, _ = make_job()
    with pytest.raises(InvalidArgument, match=r"config\.recipe\.precision: fp16 needs a GPU"):
        job.train(job.model("model"), job.dataset("data"), Recipe(precision="fp16"))


def test_a_cancelled_job_stops(make_job: Any) -> None:
    job, sink = make_job(stop_at="validation/accuracy", stop_after=1)
    with pytest.raises(JobCancelled):
        job.train(job.model("model"), job.dataset("data"), Recipe(epochs=50))
    assert len(sink.values("validation/accuracy")) == 1
