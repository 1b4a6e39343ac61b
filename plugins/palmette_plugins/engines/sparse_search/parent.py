"""The parent of a sparse search: one draw of initial weights, and its sub-networks."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from enum import StrEnum

import torch
from torch import Tensor, nn

from palmette_plugins.api.architecture import LoadedModel
from palmette_plugins.architectures.building import build
from palmette_plugins.edits.slice_channels import slice_channels
from palmette_plugins.engines.seeding import seeded_draws
from palmette_plugins.engines.sparsity.layers import is_weighted
from palmette_plugins.engines.sparsity.masks import BIAS_MASK, MASK, set_bias_masks, set_masks


class Initialisation(StrEnum):
    """How the parent starts."""

    HE_NORMAL = "he_normal"
    ARCHITECTURE = "architecture"


def draw_parent(model: LoadedModel, initialisation: Initialisation, seed: int) -> LoadedModel:
    """Return an untrained network of the model's spec, its weights drawn from `seed`."""
    with seeded_draws(seed, "initialisation"):
        module = build(model.spec)
        if initialisation is Initialisation.HE_NORMAL:
            he_normal(module)
    return model.replaced(module=module, pretrained=False)


@torch.no_grad()
def he_normal(module: nn.Module) -> None:
    """Draw the weights of linear layers and convolutions from N(0, 2 / fan_in) and set their biases to 0."""
    for layer in module.modules():
        if is_weighted(layer):
            nn.init.kaiming_normal_(layer.get_parameter("weight"), nonlinearity="relu")
            if isinstance(getattr(layer, "bias", None), Tensor):
                nn.init.zeros_(layer.get_parameter("bias"))


def sub_network(parent: LoadedModel, masks: Mapping[str, Tensor]) -> LoadedModel:
    """Return a copy of the parent with theta_0 * mask, and the masks in its spec; the parent stays as it is."""
    module = copy.deepcopy(parent.module)
    weights, biases = _by_layer(masks, "weight"), _by_layer(masks, "bias")
    layers = _without(module, weights, MASK)
    biased = _without(module, biases, BIAS_MASK)
    set_masks(module, weights)
    set_bias_masks(module, biases)
    return parent.replaced(module=module, spec=parent.spec.with_edit("mask", layers=layers, biases=biased))


def sliced(parent: LoadedModel, network: LoadedModel, nodes: Mapping[str, Tensor]) -> LoadedModel:
    """Return a masked network as the physically smaller plain one of the nodes that live.

    Args:
        parent: The parent, for its spec.
        network: `sub_network` of it, trained or not, with the masks of `nodes`.
        nodes: Living nodes by group, int64 in rising order.
    """
    keep = {name: indices.tolist() for name, indices in nodes.items()}
    values = slice_channels(copy.deepcopy(network.module).cpu(), keep=keep).state_dict()
    with seeded_draws(0, "slicing"):  # every value is overwritten
        plain = slice_channels(build(parent.spec), keep=keep)
    plain.load_state_dict({name: values[name] for name in plain.state_dict()})
    return network.replaced(module=plain, spec=parent.spec.with_edit("slice_channels", keep=keep))


def _by_layer(masks: Mapping[str, Tensor], parameter: str) -> dict[str, Tensor]:
    split = {tuple(name.rsplit(".", 1)): mask for name, mask in masks.items()}
    return {layer: mask for (layer, last), mask in split.items() if last == parameter}


def _without(module: nn.Module, layers: Iterable[str], buffer: str) -> list[str]:
    return [name for name in layers if not hasattr(module.get_submodule(name), buffer)]
