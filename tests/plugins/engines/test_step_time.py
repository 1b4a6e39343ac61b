"""The time of a training step."""

import copy

import torch

from palmette_plugins.architectures.zoo.resnet import ResNet
from palmette_plugins.engines.step_time import training_step_ms
from palmette_plugins.tasks.classification import Classification


def test_a_deeper_network_takes_longer_and_nothing_is_changed() -> None:
    networks = [ResNet(1, 4, 1, 10), ResNet(6, 4, 1, 10)]
    networks[0].eval()
    before = [copy.deepcopy(network.state_dict()) for network in networks]
    batch = (torch.randn(16, 1, 16, 16), torch.arange(16) % 10)

    shallow_ms, deep_ms = training_step_ms(networks, Classification(), batch)

    assert 0 < shallow_ms < deep_ms
    assert [network.training for network in networks] == [False, True]
    for network, state in zip(networks, before, strict=True):
        assert all(torch.equal(state[name], tensor) for name, tensor in network.state_dict().items())
        assert all(parameter.grad is None for parameter in network.parameters())
