"""The channel graph: what torch.fx says about which layers make and read which nodes."""

import pytest
import torch
from torch import Tensor, nn

from palmette_plugins.api import InvalidArgument
from palmette_plugins.engines.channels import Link, channel_graph


class Shared(nn.Module):
    """One layer used twice."""

    def __init__(self):
        super().__init__()
        self.stem, self.layer, self.head = nn.Linear(3, 5), nn.Linear(5, 5), nn.Linear(5, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(torch.relu(self.layer(torch.relu(self.layer(self.stem(x))))))


class Gated(nn.Module):
    """A squeeze-and-excitation gate over convolution channels."""

    def __init__(self):
        super().__init__()
        self.conv, self.depthwise = nn.Conv2d(1, 6, 3), nn.Conv2d(6, 6, 3, groups=6)
        self.down, self.up, self.head = nn.Conv2d(6, 2, 1), nn.Conv2d(2, 6, 1), nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.depthwise(self.conv(x))
        gate = torch.sigmoid(self.up(torch.relu(self.down(x.mean((2, 3), keepdim=True)))))
        return self.head((x * gate).mean((2, 3)))


class Branching(nn.Module):
    """A forward that looks at its values."""

    def forward(self, x: Tensor) -> Tensor:
        return x if x.sum() > 0 else -x


class Scaled(nn.Module):
    """A parameter per channel outside every layer."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.scale = nn.Linear(3, 4), nn.Linear(4, 2), nn.Parameter(torch.ones(4))

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.first(x) * self.scale)


def test_input_and_output_are_in_no_group():
    graph = channel_graph(nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)))

    assert graph.links == {"0": Link(None, "0"), "2": Link("0", None)}
    assert graph.groups["0"].size == 4


def test_a_layer_used_twice_reads_and_makes_the_same_nodes():
    graph = channel_graph(Shared())

    assert list(graph.groups) == ["stem"]
    assert graph.groups["stem"].producers == ("stem", "layer")


def test_gates_and_depthwise_convolutions_follow_the_channels_they_act_on():
    graph = channel_graph(Gated())

    assert graph.groups["conv"].producers == ("conv", "up")
    assert graph.groups["conv"].followers == ("depthwise",)
    assert graph.groups["down"].size == 2
    assert not graph.blocked


def test_a_parameter_outside_of_layers_blocks_its_nodes():
    graph = channel_graph(Scaled())

    assert not graph.groups
    assert set(graph.blocked) == {"first"}


def test_a_forward_that_depends_on_values_is_refused():
    with pytest.raises(InvalidArgument, match="cannot be followed"):
        channel_graph(Branching())
