"""The guide's term inside real training: what it reaches, and what it leaves alone."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import torch
from torch import nn

from palmette_plugins.api import JobContext, JobSpec, LoadedModel
from palmette_plugins.api.sink import JobSink, LoggingSink
from palmette_plugins.architectures.loading import load_model_reference
from palmette_plugins.engines.frozen import Frozen
from palmette_plugins.engines.recipe import Precision, Recipe
from palmette_plugins.engines.representations import Pair, spread_pairs, tap_names
from palmette_plugins.engines.representations.guide import GuideLoss
from palmette_plugins.guided_training.guidance import Guidance

STEPS = 5
RECIPE = Recipe(epochs=1, batch_size=64, max_steps=STEPS, precision="fp32", weight_decay=0.0)


def job_on_digits(folder: Path) -> JobContext:
    inputs = {"target": ["zoo:mlp?hidden=24x4&batch_norm=true"], "guide": ["zoo:resnet8?width=4"], "data": ["digits"]}
    spec = JobSpec("local", "guidance", inputs, artifact_store_url=str(folder / "a"), checkpoint_url=str(folder / "c"))
    sink: JobSink = LoggingSink()
    return JobContext(spec, Guidance(Guidance.Config()), sink)


def pairs_of(target: nn.Module, guide: nn.Module) -> list[Pair]:
    image = [torch.zeros(1, 1, 8, 8)]
    return spread_pairs(tap_names(target, image), tap_names(guide, image))


def trained(job: JobContext, target: LoadedModel, guide: nn.Module, pairs: list[Pair], **options: Any) -> None:
    data = job.dataset("data")
    frozen = Frozen(guide, job.device, Precision.FP32)
    term = GuideLoss(frozen, pairs, inputs=lambda step: data.task.inputs(step.batch))
    with term.watching(target.module):
        job.train(target, data, RECIPE, extra_loss=term, validate_split=None, **options)


def test_one_forward_pass_serves_both_terms_and_the_guide_stays_as_it_is(tmp_path: Path) -> None:
    job = job_on_digits(tmp_path)
    target = job.model("target")
    guide = load_model_reference("zoo:resnet8?width=4", "guide", job.dataset("data").info, None, seed=1).module
    before = copy.deepcopy(guide.state_dict())
    trained(job, target, guide, pairs_of(target.module, guide))
    counters = [int(part.num_batches_tracked) for part in target.module.modules() if isinstance(part, nn.BatchNorm1d)]
    assert counters == [STEPS] * 4
    assert all(torch.equal(before[name], tensor) for name, tensor in guide.state_dict().items())
    assert not any(part._forward_hooks for part in (*target.module.modules(), *guide.modules()))


def test_every_paired_layer_learns_with_the_task_loss_off(tmp_path: Path) -> None:
    job = job_on_digits(tmp_path)
    target, guide = job.model("target"), job.model("guide").module
    pairs = pairs_of(target.module, guide)
    before = {pair.target: target.module.get_submodule(pair.target).weight.detach().clone() for pair in pairs}
    classifier = target.module.layers[-1].weight.detach().clone()
    trained(job, target, guide, pairs, objective=lambda step: 0.0 * step.outputs.sum())
    assert len(before) > 2
    for name, weight in before.items():
        assert not torch.equal(weight, target.module.get_submodule(name).weight), name
    assert torch.equal(classifier, target.module.layers[-1].weight)  # the logits are no tap
