"""What keeps a space of masks from being searched in a network, known before any training."""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn

from palmette_plugins.api.errors import FieldViolation, InvalidArgument
from palmette_plugins.engines.channels import channel_graph
from palmette_plugins.engines.sparse_search.node_space import NodeMasks, feasible_sparsity, starved_group
from palmette_plugins.engines.sparse_search.spaces import Space, mask_space


def space_violations(kind: Space, module: nn.Module, sparsities: Mapping[str, float]) -> list[FieldViolation]:
    """Return what keeps `kind` from being searched in `module` at `sparsities`, by the field that says each."""
    try:
        if kind is Space.NODE and (violations := node_violations(module)):
            return violations
        found = []
        for field, sparsity in sparsities.items():
            found += _sparsity_violations(kind, module, sparsity, field)
        return found
    except InvalidArgument as error:
        return [FieldViolation("inputs.model", violation.description) for violation in error.violations]


def node_violations(module: nn.Module) -> list[FieldViolation]:
    """Return what keeps the nodes of a network from being searched: layers of other kinds."""
    grouped = [
        f"'{name}' ({type(layer).__name__} with {layer.groups} groups)"
        for name, layer in module.named_modules()
        if isinstance(layer, (nn.Conv1d, nn.Conv2d, nn.Conv3d)) and layer.groups > 1
    ]
    graph = channel_graph(module)
    mixed = [f"'{layer}', whose nodes {where} mixes" for layer, where in graph.blocked.items()]
    other = [*grouped, *mixed]
    if other:
        more = f" and {len(other) - 1} more" if len(other) > 1 else ""
        return [
            FieldViolation(
                "inputs.model",
                f"node space cuts plain linear layers and convolutions, but here is {other[0]}{more}; use edge or erk",
            )
        ]
    if not graph.groups:
        return [FieldViolation("inputs.model", "has no hidden layer whose nodes could be removed")]
    return []


def _sparsity_violations(kind: Space, module: nn.Module, sparsity: float, field: str) -> list[FieldViolation]:
    if kind is Space.NODE:
        masks = NodeMasks(module, channel_graph(module))
        starved = starved_group(masks.graph, masks.shapes, sparsity)
        if starved is None:
            return []
        most = feasible_sparsity(masks.graph, masks.shapes)
        return [FieldViolation(field, f"leaves no node in '{starved}'; at most {most:g} is possible, got {sparsity:g}")]
    try:
        mask_space(kind, module, sparsity)
    except InvalidArgument as error:
        return [FieldViolation(field, violation.description) for violation in error.violations]
    return []
