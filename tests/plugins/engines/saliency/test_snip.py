"""SNIP's scores, against derivatives by hand and against removal itself."""

import copy

import pytest
import torch
from torch import nn

from palmette_plugins.engines.saliency import magnitude_scores, scored_weights, snip_scores
from palmette_plugins.tasks.classification import Classification


def test_scores_are_weight_times_gradient(small_network: nn.Module, small_batch: tuple[torch.Tensor, ...]) -> None:
    names = scored_weights(small_network)
    scores = snip_scores(small_network, names, Classification(), small_batch)

    twin = copy.deepcopy(small_network).train()
    nn.functional.cross_entropy(twin(small_batch[0]), small_batch[1]).backward()
    for name, parameter in twin.named_parameters():
        if name in names:
            torch.testing.assert_close(scores[name], (parameter * parameter.grad).abs().detach())


def test_the_score_predicts_the_change_of_the_loss_when_a_weight_goes_a_little(
    small_network: nn.Module, small_batch: tuple[torch.Tensor, ...]
) -> None:
    scores = snip_scores(small_network, ["0.weight"], Classification(), small_batch)["0.weight"]
    index = int(scores.argmax())

    def loss(scale: float) -> float:
        twin = copy.deepcopy(small_network).train()
        twin[0].weight.data.view(-1)[index] *= scale
        return float(nn.functional.cross_entropy(twin(small_batch[0]), small_batch[1]).detach())

    slope = (loss(1 + 1e-4) - loss(1 - 1e-4)) / 2e-4
    assert abs(slope) == pytest.approx(float(scores.view(-1)[index]), rel=1e-4)


def test_scoring_leaves_modes_buffers_and_gradients_alone(
    small_network: nn.Module, small_batch: tuple[torch.Tensor, ...]
) -> None:
    small_network.train()
    small_network[1].eval()
    before = copy.deepcopy(small_network.state_dict())
    snip_scores(small_network, scored_weights(small_network), Classification(), small_batch)
    assert [part.training for part in small_network] == [True, False, True, True, True]
    assert all(torch.equal(before[name], tensor) for name, tensor in small_network.state_dict().items())
    assert all(parameter.grad is None for parameter in small_network.parameters())


def test_an_unused_weight_scores_zero(small_batch: tuple[torch.Tensor, ...]) -> None:
    class WithSpare(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.used = nn.Linear(36, 3)
            self.spare = nn.Linear(36, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.used(x.flatten(1))

    scores = snip_scores(WithSpare().double(), ["used.weight", "spare.weight"], Classification(), small_batch)
    assert scores["used.weight"].sum() > 0
    assert torch.equal(scores["spare.weight"], torch.zeros(3, 36, dtype=torch.float64))


def test_magnitude_is_the_absolute_weight(small_network: nn.Module) -> None:
    assert torch.equal(magnitude_scores(small_network, ["0.weight"])["0.weight"], small_network[0].weight.abs())
