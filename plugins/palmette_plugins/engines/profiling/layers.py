"""The profile of a model: its layers in order of execution, with what each stores and computes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from palmette_plugins.api.layers import CustomLayer
from palmette_plugins.engines.profiling.execution import Execution, watch_forward
from palmette_plugins.engines.sparsity.layers import is_weighted, maskable_layers
from palmette_plugins.engines.sparsity.masks import MASK


@dataclass(frozen=True)
class LayerProfile:
    """One layer.

    Attributes:
        name: Name of the module; empty for the model itself.
        type: Name of its class.
        weight_shape: Shape of its weight; empty for a layer without one.
        output_shape: Shape of its output for one input, without the batch.
        parameters: Stored numbers; a tensor that several layers share counts for the first.
        nonzeros: Those that are not zero.
        macs: Multiply-adds for one input.
        effective_macs: Multiply-adds for one input without those by a zero weight.
        density: Share of the weight's entries that its mask keeps, or that are not zero where there is no mask.
        maskable: Pruning may mask its weight.
    """

    name: str
    type: str
    weight_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    parameters: int
    nonzeros: int
    macs: int
    effective_macs: int
    density: float
    maskable: bool


@dataclass(frozen=True)
class Totals:
    """Sums over all layers."""

    parameters: int
    nonzeros: int
    macs: int
    effective_macs: int


def profile_layers(module: nn.Module, inputs: Sequence[Tensor] | Sequence[int]) -> list[LayerProfile]:
    """Return the layers that store parameters or multiply matrices, in order of execution.

    Layers that did not run come last, with 0 MACs, so that the parameters add up to the model's. Weights on the
    ``meta`` device count as not zero.

    Args:
        module: The model; its mode, its weights and torch's random state stay as they are.
        inputs: Positional arguments of its forward, a batch of one example; or the shape of one float32 input.
    """
    arguments = _as_arguments(module, inputs)
    executions = watch_forward(module, arguments)
    modules = dict(module.named_modules())
    maskable = maskable_layers(module)
    counted: set[int] = set()
    inside = {f"{name}." for name, part in modules.items() if isinstance(part, CustomLayer)}
    profiles = []
    for name in (*executions, *(name for name in modules if name not in executions)):
        if any(name.startswith(prefix) for prefix in inside):
            continue  # its parameters are its custom layer's
        profile = _profile(name, modules[name], executions.get(name, Execution()), counted, name in maskable)
        if profile.parameters or profile.macs:
            profiles.append(profile)
    return profiles


def totals(profiles: Iterable[LayerProfile]) -> Totals:
    """Return the sums over `profiles`."""
    rows = list(profiles)
    return Totals(
        parameters=sum(row.parameters for row in rows),
        nonzeros=sum(row.nonzeros for row in rows),
        macs=sum(row.macs for row in rows),
        effective_macs=sum(row.effective_macs for row in rows),
    )


def _profile(name: str, layer: nn.Module, run: Execution, counted: set[int], maskable: bool) -> LayerProfile:
    weight = getattr(layer, "weight", None)
    weight = weight if isinstance(weight, Tensor) else None
    if isinstance(layer, CustomLayer) and run.input_shape is not None and run.output_shape is not None:
        count = layer.count(run.input_shape, run.output_shape)
        parameters, nonzeros = count.parameters, count.nonzeros
        macs, effective_macs = count.macs * run.calls, count.effective_macs * run.calls
    else:
        own = list(layer.parameters(recurse=isinstance(layer, CustomLayer)))
        fresh = [parameter for parameter in own if id(parameter) not in counted]
        counted.update(id(parameter) for parameter in fresh)
        parameters, nonzeros = sum(p.numel() for p in fresh), sum(_nonzeros(p) for p in fresh)
        macs = effective_macs = run.product_macs
        if weight is not None and is_weighted(layer):
            macs += run.positions * weight.numel()
            effective_macs += run.positions * _nonzeros(weight)
    return LayerProfile(
        name=name,
        type=type(layer).__name__,
        weight_shape=tuple(weight.shape) if weight is not None else (),
        output_shape=run.output_shape or (),
        parameters=parameters,
        nonzeros=nonzeros,
        macs=macs,
        effective_macs=effective_macs,
        density=_density(layer, weight),
        maskable=maskable,
    )


def _density(layer: nn.Module, weight: Tensor | None) -> float:
    mask = getattr(layer, MASK, None)
    kept = mask if isinstance(mask, Tensor) else weight
    return _nonzeros(kept) / kept.numel() if kept is not None and kept.numel() else 1.0


def _nonzeros(tensor: Tensor) -> int:
    return tensor.numel() if tensor.is_meta else int(torch.count_nonzero(tensor))


def _as_arguments(module: nn.Module, inputs: Sequence[Tensor] | Sequence[int]) -> tuple[Tensor, ...]:
    tensors = tuple(part for part in inputs if isinstance(part, Tensor))
    if len(tensors) == len(inputs):
        return tensors
    device = next((tensor.device for tensor in module.state_dict().values()), torch.device("cpu"))
    sizes = [int(size) for size in inputs if not isinstance(size, Tensor)]
    return (torch.zeros(1, *sizes, device=device),)
