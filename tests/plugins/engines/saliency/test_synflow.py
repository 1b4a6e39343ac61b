"""SynFlow's conservation law, and what it must not depend on."""

import copy

import pytest
import torch
from torch import nn

from palmette_plugins.api.errors import FailedPrecondition
from palmette_plugins.architectures.zoo.resnet import ResNet
from palmette_plugins.engines.saliency import scored_weights, synflow_scores
from palmette_plugins.engines.saliency.linearisation import linearise
from palmette_plugins.engines.seeding import seeded_draws
from palmette_plugins.tasks.classification import Classification


def _sums(module: nn.Module, images: torch.Tensor) -> list[float]:
    scores = synflow_scores(module, scored_weights(module), Classification(), (images, torch.zeros(len(images))))
    return [float(score.sum()) for score in scores.values()]


def test_layer_sums_are_conserved_in_a_linear_network() -> None:
    with seeded_draws(0):
        model = nn.Sequential(*(nn.Linear(i, o) for i, o in ((6, 9), (9, 4), (4, 7), (7, 3))))
    sums = _sums(model, torch.randn(2, 6))
    assert sums == pytest.approx([sums[0]] * 4, rel=1e-6)
    assert sums[0] > 0


def test_layer_sums_are_conserved_through_convolutions_norms_and_activations() -> None:
    with seeded_draws(0):
        model = nn.Sequential(
            nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.GELU(), nn.Conv2d(4, 8, 3), nn.GroupNorm(2, 8), nn.SiLU(),
            nn.Flatten(), nn.LayerNorm(128), nn.Linear(128, 5),
        )  # fmt: skip
    model[1].running_mean.fill_(3.0)  # statistics of any training data play no part
    sums = _sums(model, torch.randn(2, 1, 8, 8))
    assert sums == pytest.approx([sums[0]] * 3, rel=1e-6)


def test_the_sum_is_the_flow_by_hand() -> None:
    model = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 1, bias=False))
    model[0].weight.data = torch.tensor([[1.0, -2.0], [3.0, 0.5]])
    model[1].weight.data = torch.tensor([[-1.0, 2.0]])
    # |W2| |W1| 1 = 1 (1 + 2) + 2 (3 + 0.5)
    assert _sums(model, torch.randn(1, 2)) == pytest.approx([10.0, 10.0])


def test_scores_depend_neither_on_signs_nor_on_the_images() -> None:
    with seeded_draws(0):
        model = ResNet(1, 4, 1, 10)
    negated = copy.deepcopy(model)
    with torch.no_grad():
        for parameter in negated.parameters():
            parameter.neg_()
    assert _sums(model, torch.zeros(3, 1, 8, 8)) == _sums(negated, torch.randn(1, 1, 8, 8))


def test_the_model_itself_stays_as_it_is() -> None:
    with seeded_draws(0):
        model = ResNet(1, 4, 1, 10)
    before = copy.deepcopy(model.state_dict())
    _sums(model, torch.randn(1, 1, 8, 8))
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert not any(layer._forward_hooks for layer in model.modules())


def test_a_linearised_network_scales_as_its_input() -> None:
    with seeded_draws(0):
        linear = linearise(ResNet(1, 4, 1, 10).double())
    images = torch.rand(2, 1, 8, 8, dtype=torch.float64)
    torch.testing.assert_close(linear(3 * images), 3 * linear(images))


def test_a_signal_beyond_float64_is_refused() -> None:
    layers = [nn.Linear(2, 2) for _ in range(2)]
    for layer in layers:
        layer.weight.data.fill_(3e38)
    model = nn.Sequential(*layers, *layers, *layers, *layers, *layers, *layers)
    with pytest.raises(FailedPrecondition, match="another criterion"):
        _sums(model, torch.randn(1, 2))
