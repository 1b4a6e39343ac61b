"""Edit ``slice_channels``: nodes are taken out of the network, which becomes physically smaller."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from palmette_plugins.api.errors import InvalidArgument, nearest_names
from palmette_plugins.engines.channels import ChannelGraph, channel_graph, remove_channels


def slice_channels(module: nn.Module, *, keep: Mapping[str, Sequence[int]]) -> nn.Module:
    """Leave only the nodes `keep` of the named layers and return the module; other layers keep all.

    A node is an output unit of a linear layer or a filter of a convolution. With it go its bias, its normalisation,
    the weights that read it, and the same node of every layer whose output is added to this layer's.

    Args:
        module: A network whose forward pass torch.fx can follow.
        keep: Layer name -> indices of the nodes that stay.

    Raises:
        InvalidArgument: A name is no layer whose nodes can go, indices are out of range, repeated or none, or two
            layers that share their nodes disagree; field ``keep``.
    """
    graph = channel_graph(module)
    remove_channels(module, graph, _by_group(graph, keep))
    return module


def _by_group(graph: ChannelGraph, keep: Mapping[str, Sequence[int]]) -> dict[str, Tensor]:
    group_of = {layer: group for group in graph.groups.values() for layer in group.producers}
    found: dict[str, list[int]] = {}
    for layer, indices in keep.items():
        if layer not in group_of:
            why = f": {graph.blocked[layer]} mixes them" if layer in graph.blocked else ""
            raise InvalidArgument.field(
                "keep", f"the nodes of '{layer}' cannot be removed{why}{nearest_names(layer, list(group_of))}"
            )
        group, kept = group_of[layer], sorted(set(indices))
        if not kept or len(kept) != len(indices) or kept[0] < 0 or kept[-1] >= group.size:
            raise InvalidArgument.field(
                "keep", f"'{layer}' needs at least one index, each once, from 0 to {group.size - 1}"
            )
        if found.setdefault(group.name, kept) != kept:
            raise InvalidArgument.field("keep", f"'{layer}' shares its nodes with '{group.name}', which keeps others")
    return {name: torch.tensor(indices) for name, indices in found.items()}
