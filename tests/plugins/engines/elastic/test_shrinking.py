"""One step of progressive shrinking, on its own."""

from __future__ import annotations

import copy

import pytest
import torch
from torch.nn import functional as F

from palmette_plugins.engines.elastic.shrinking import SampledSubnetworks, ShrinkingLoss, draw_subnetworks
from palmette_plugins.engines.training import TrainingStep
from palmette_plugins.tasks.classification import Classification

from .spaces import paper_space, supernet, tiny

IMAGES = torch.randn(6, 1, 12, 12, generator=torch.Generator().manual_seed(1))
CLASSES = torch.arange(6)


def gradients(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: p.grad.clone() for name, p in module.named_parameters() if p.grad is not None}


def test_one_step_has_the_sum_of_its_sub_networks_gradients() -> None:
    module = supernet(tiny("&squeeze_excite=2&resolutions=8,12&dropout=0")).train()
    step = SampledSubnetworks(module, module.space, 3).train()
    teacher = copy.deepcopy(module).eval()
    loss = ShrinkingLoss(Classification(), 0.1, teacher, 0.7)
    torch.manual_seed(4)
    outputs = step(IMAGES)
    drawn = step.drawn
    assert len({choice.resolution for choice in drawn}) == 1
    assert len(set(drawn)) == 3
    loss(TrainingStep(step, outputs, (IMAGES, CLASSES), 0)).backward()
    together = gradients(module)
    module.zero_grad(set_to_none=True)
    small = F.interpolate(IMAGES, size=(drawn[0].resolution,) * 2, mode="bilinear", align_corners=False)
    with torch.no_grad():
        soft = teacher(small).softmax(dim=1)
    for choice in drawn:  # one after the other, gradients pile up
        logits = module(IMAGES, choice)
        hard = F.cross_entropy(logits, CLASSES, label_smoothing=0.1)
        (hard - 0.7 * (soft * logits.log_softmax(dim=1)).sum(dim=1).mean()).backward()
    alone = gradients(module)
    assert together.keys() == alone.keys()
    for name in together:
        torch.testing.assert_close(together[name], alone[name], atol=1e-5, rtol=1e-4)


def test_draws_follow_torchs_random_state() -> None:
    module = supernet(tiny())
    step = SampledSubnetworks(module, module.space, 2).train()
    drawn = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        step(IMAGES)
        drawn.append(step.drawn)
    assert drawn[0] == drawn[1] != drawn[2]


def test_every_dimension_is_drawn_uniformly_and_one_resolution_is_shared() -> None:
    space = paper_space((128, 160, 192))
    draws = [draw_subnetworks(space, 4, seed) for seed in range(300)]
    assert all(len({choice.resolution for choice in choices}) == 1 for choices in draws)
    depths = [choice.depths[0] for choices in draws for choice in choices]
    resolutions = [choices[0].resolution for choices in draws]
    for values, drawn in (((2, 3, 4), depths), ((128, 160, 192), resolutions)):
        for value in values:
            assert drawn.count(value) / len(drawn) == pytest.approx(1 / 3, abs=0.1)


def test_without_training_the_largest_answers() -> None:
    module = supernet(tiny())
    step = SampledSubnetworks(module, module.space.narrowed(kernels=(3,)), 2).eval()
    with torch.no_grad():
        assert torch.equal(step(IMAGES), module(IMAGES, module.space.largest))


def test_a_teacher_that_does_not_count_is_not_asked() -> None:
    def teacher(_: torch.Tensor) -> torch.Tensor:
        raise AssertionError("asked")

    module = supernet(tiny())
    step = SampledSubnetworks(module, module.space, 1).train()
    loss = ShrinkingLoss(Classification(), 0.0, teacher, 0.0)
    outputs = step(IMAGES)
    expected = F.cross_entropy(outputs[0], CLASSES)
    torch.testing.assert_close(loss(TrainingStep(step, outputs, (IMAGES, CLASSES), 0)), expected)
