"""The channel graph: which layers make which nodes, and which layers read them.

A node is an output unit of a linear layer or a filter of a convolution. Layers whose outputs are added together (the
blocks of a residual stage) make the same nodes; a normalisation or a depthwise convolution keeps the nodes it is
given. The graph is read from the forward pass with torch.fx, without running it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import nn

from palmette_plugins.engines.channels.following import Follower
from palmette_plugins.engines.channels.tracing import traced


@dataclass(frozen=True)
class Link:
    """How a layer stands between two groups; a group of None keeps all its nodes (the input, the output).

    Attributes:
        source: Group of the nodes that it reads.
        target: Group of the nodes that it makes.
        spread: Consecutive input features per source node: positions of a feature map that was flattened.
    """

    source: str | None
    target: str | None
    spread: int = 1


@dataclass(frozen=True)
class ChannelGroup:
    """Nodes that stay or go together.

    Attributes:
        name: The first layer, in order of execution, that makes them.
        size: How many they are.
        producers: All layers that make them.
        followers: Normalisations and depthwise convolutions that keep them.
    """

    name: str
    size: int
    producers: tuple[str, ...]
    followers: tuple[str, ...]


@dataclass(frozen=True)
class ChannelGraph:
    """The groups of a network whose nodes may be removed, and all its linear layers and convolutions.

    Attributes:
        groups: Removable groups by name, in order of execution.
        links: Every linear layer and convolution by name, in order of execution; depthwise ones are followers.
        blocked: Groups whose nodes cannot be followed, by name, with the operation that stands in the way.
    """

    groups: Mapping[str, ChannelGroup]
    links: Mapping[str, Link]
    blocked: Mapping[str, str]


def channel_graph(module: nn.Module) -> ChannelGraph:
    """Return the channel graph of a network; its weights may be on the ``meta`` device.

    Raises:
        InvalidArgument: The forward pass cannot be followed at all; field ``model``.
    """
    follower = Follower(module)
    follower.run(traced(module))
    spaces = follower.spaces
    names: dict[int, str] = {}  # representative of a space that may lose nodes -> first layer that makes it
    for layer, (_, target, _) in follower.links.items():
        if not spaces.is_fixed(target):
            names.setdefault(spaces.find(target), layer)
    blocked = {name: spaces.blocked(root) for root, name in names.items() if spaces.blocked(root)}
    removable = {root: name for root, name in names.items() if name not in blocked}
    links = {
        layer: Link(removable.get(spaces.find(source)), removable.get(spaces.find(target)), spread)
        for layer, (source, target, spread) in follower.links.items()
    }
    groups = {
        name: ChannelGroup(
            name,
            spaces.size(root),
            tuple(layer for layer, link in links.items() if link.target == name),
            tuple(layer for layer, space in follower.followers.items() if spaces.find(space) == root),
        )
        for root, name in removable.items()
    }
    return ChannelGraph(groups, links, blocked)
