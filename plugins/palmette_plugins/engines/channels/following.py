"""Following nodes through a forward pass, operation by operation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from torch import fx, nn

from palmette_plugins.engines.channels.operations import (
    JOINING,
    NORMALISATIONS,
    flattens,
    is_silent,
    keeps_channels,
    name_of,
    reduces_positions,
)
from palmette_plugins.engines.channels.spaces import Spaces

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)


@dataclass(frozen=True)
class _Channels:
    """What is known of a value: its space, and whether its last dimension holds flattened maps or features."""

    space: int
    flat: bool = False


class Follower:
    """Reads a traced forward pass.

    Attributes:
        spaces: All channel spaces met.
        links: Linear layers and convolutions: (space read, space made, features read per node).
        followers: Layers that keep the nodes they are given, with their space.
    """

    def __init__(self, module: nn.Module) -> None:
        self.spaces = Spaces()
        self.links: dict[str, tuple[int, int, int]] = {}
        self.followers: dict[str, int] = {}
        self._modules = dict(module.named_modules())
        self._values: dict[fx.Node, _Channels | None] = {}

    def run(self, graph: fx.Graph) -> None:
        """Follow all operations in order."""
        for node in graph.nodes:
            self._values[node] = self._value(node)

    def _value(self, node: fx.Node) -> _Channels | None:
        if node.op == "placeholder":
            return _Channels(self.spaces.new(fixed=True))
        given = [value for value in map(self._values.get, node.all_input_nodes) if value is not None]
        if node.op == "output":
            for value in given:
                self.spaces.fix(value.space)
            return None
        if node.op == "get_attr" or not given:
            return None
        if node.op == "call_module":
            return self._module(str(node.target), given)
        return self._function(node, given)

    # -- layers

    def _module(self, name: str, given: list[_Channels]) -> _Channels:
        layer = self._modules[name]
        value = given[0]
        handler = self._layer_handler(layer)
        if handler is None or len(given) != 1:
            return self._lost(given, f"'{name}' ({type(layer).__name__})")
        return handler(name, layer, value)

    def _layer_handler(self, layer: nn.Module) -> Callable[[str, Any, _Channels], _Channels] | None:
        if isinstance(layer, nn.Linear):
            return self._linear
        if isinstance(layer, _CONVOLUTIONS) and layer.groups == 1:
            return self._convolution
        depthwise = isinstance(layer, _CONVOLUTIONS) and layer.groups == layer.in_channels == layer.out_channels
        if depthwise or isinstance(layer, NORMALISATIONS):
            return self._follower
        if isinstance(layer, nn.Flatten) and layer.start_dim == 1 and layer.end_dim == -1:
            return lambda name, layer, value: replace(value, flat=True)
        return (lambda name, layer, value: value) if keeps_channels(layer) else None

    def _linear(self, name: str, layer: nn.Linear, value: _Channels) -> _Channels:
        size = self.spaces.size(value.space)
        spread = layer.in_features // size if size else 1
        if size and (size * spread != layer.in_features or (spread > 1 and not value.flat)):
            self.spaces.block(value.space, f"'{name}' (Linear)")
        return self._link(name, value, layer.out_features, spread)

    def _convolution(self, name: str, layer: Any, value: _Channels) -> _Channels:
        if value.flat:
            self.spaces.block(value.space, f"'{name}' ({type(layer).__name__})")
        return self._link(name, value, layer.out_channels, 1)

    def _link(self, name: str, value: _Channels, size: int, spread: int) -> _Channels:
        made = self.spaces.new(size)
        if name in self.links:  # the layer is used again: it reads and makes the same nodes
            read, before, _ = self.links[name]
            self.spaces.join(read, value.space, f"'{name}'")
            made = self.spaces.join(before, made, f"'{name}'")
        self.links[name] = (value.space, made, spread)
        return _Channels(made)

    def _follower(self, name: str, layer: nn.Module, value: _Channels) -> _Channels:
        if value.flat:
            self.spaces.block(value.space, f"'{name}' ({type(layer).__name__})")
        self.followers[name] = value.space
        return value

    # -- functions

    def _function(self, node: fx.Node, given: list[_Channels]) -> _Channels | None:
        name, value = name_of(node), given[0]
        if is_silent(node):
            return None
        if any(argument.op == "get_attr" for argument in node.all_input_nodes):  # it may have a number per channel
            return self._lost(given, f"'{node.name}' ({name})")
        if flattens(node):
            return replace(value, flat=True)
        if name in JOINING:
            for other in given[1:]:
                self.spaces.join(value.space, other.space, f"'{node.name}' ({name})")
            return value
        if len(given) == 1 and (keeps_channels(node) or reduces_positions(node)):
            return value
        return self._lost(given, f"'{node.name}' ({name})")

    def _lost(self, given: list[_Channels], where: str) -> _Channels:
        """Give up on the nodes that an unknown operation is given; what it makes of an input is no node."""
        for value in given:
            self.spaces.block(value.space, where)
        return _Channels(self.spaces.new(fixed=True))
