"""One forward pass, watched: which modules ran in which order, and the multiply-adds of each.

How multiply-adds (MACs) are counted, for one input:

- A convolution or linear layer costs its weight's entries times the positions that it is applied to (output
  positions; input positions for a transposed convolution). Padding counts, biases do not.
- A layer of the suite's own types (`CustomLayer`) says itself what it costs.
- Every other matrix product (an attention's queries with keys, and scores with values) costs what the product of
  its shapes costs, charged to the innermost module that ran it. A causal mask saves nothing: the kernels compute
  whole blocks.
- Everything else (normalisation, activations, pooling, softmax, sums) costs nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry, sdpa_flop

from palmette_plugins.api.layers import CustomLayer
from palmette_plugins.engines.sparsity.layers import is_weighted

_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)


@dataclass
class Execution:
    """What one module did during a forward pass.

    Attributes:
        input_shape: Of its first tensor argument, without the batch; None where it has none.
        output_shape: Of its first output, without the batch; None where that is no tensor.
        positions: How often each weight entry was applied, over all calls (convolutions and linear layers).
        product_macs: Multiply-adds of matrix products that belong to no layer.
        calls: How often it ran.
    """

    input_shape: tuple[int, ...] | None = None
    output_shape: tuple[int, ...] | None = None
    positions: int = 0
    product_macs: int = 0
    calls: int = 0


class _Watch(TorchDispatchMode):
    """Keeps the stack of running modules and charges matrix products to its top."""

    def __init__(self) -> None:
        super().__init__()
        self.executions: dict[str, Execution] = {}
        self._stack: list[tuple[str, nn.Module]] = []
        self._inside_layer = 0

    def enter(self, name: str, module: nn.Module) -> None:
        if not self._inside_layer:
            self.executions.setdefault(name, Execution())
        self._inside_layer += _counts_itself(module)
        self._stack.append((name, module))

    def leave(self, name: str, module: nn.Module, arguments: tuple[Any, ...], outputs: Any) -> None:
        self._stack.pop()
        self._inside_layer -= _counts_itself(module)
        if self._inside_layer:
            return
        execution = self.executions[name]
        given, made = _first_tensor(arguments), _first_tensor(outputs)
        execution.calls += 1
        execution.input_shape = tuple(given.shape[1:]) if given is not None else None
        execution.output_shape = tuple(made.shape[1:]) if made is not None else None
        if is_weighted(module) and given is not None and made is not None:
            execution.positions += _positions(module, given, made)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        formula = flop_registry.get(func.overloadpacket) or _attention_formula(func)
        if formula is None and func is not torch.ops.prim.device.default:
            with self:  # composite operations show as the products that they are made of
                result = func.decompose(*args, **kwargs)
            if result is not NotImplemented:
                return result
        result = func(*args, **kwargs)
        if formula is not None and not self._inside_layer and self._stack:
            self.executions[self._stack[-1][0]].product_macs += formula(*args, **kwargs, out_val=result) // 2
        return result


def watch_forward(module: nn.Module, inputs: Sequence[Tensor]) -> dict[str, Execution]:
    """Run `module` once in evaluation mode on one example; return what each module did, in order of execution."""
    watch = _Watch()
    names = {part: name for name, part in module.named_modules()}
    with ExitStack() as stack:
        stack.enter_context(_evaluation_mode(module))
        stack.enter_context(_plain_attention())
        for part, name in names.items():
            stack.callback(part.register_forward_pre_hook(_before(watch, name)).remove)
            stack.callback(part.register_forward_hook(_after(watch, name), always_call=False).remove)
        with torch.no_grad(), watch:
            module(*inputs)
    return watch.executions


def _before(watch: _Watch, name: str) -> Any:
    return lambda module, _: watch.enter(name, module)


def _after(watch: _Watch, name: str) -> Any:
    return lambda module, arguments, outputs: watch.leave(name, module, arguments, outputs)


def _counts_itself(module: nn.Module) -> bool:
    return is_weighted(module) or isinstance(module, CustomLayer)


def _positions(layer: nn.Module, given: Tensor, made: Tensor) -> int:
    if isinstance(layer, _TRANSPOSED):
        return given.shape[0] * math.prod(given.shape[2:])
    if isinstance(layer, _CONVOLUTIONS):
        return made.shape[0] * math.prod(made.shape[2:])
    return math.prod(made.shape[:-1])


def _attention_formula(func: Any) -> Any:
    """Return the cost of fused attention kernels that torch's table lacks, such as the CPU's."""
    return sdpa_flop if "_scaled_dot_product" in func.name() else None


def _first_tensor(value: Any) -> Tensor | None:
    if isinstance(value, Tensor):
        return value
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, (tuple, list)) else ()
    return next((found for found in map(_first_tensor, parts) if found is not None), None)


@contextmanager
def _evaluation_mode(module: nn.Module) -> Iterator[None]:
    flags = {part: part.training for part in module.modules()}
    module.eval()
    try:
        yield
    finally:
        for part, training in flags.items():
            part.training = training


@contextmanager
def _plain_attention() -> Iterator[None]:
    """Turn off torch's fused transformer layers, inside which nothing could be seen."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)
