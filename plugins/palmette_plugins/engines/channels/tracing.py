"""The operations of a network's forward pass, in order."""

from __future__ import annotations

from typing import Any

from torch import fx, nn

from palmette_plugins.api.errors import InvalidArgument
from palmette_plugins.api.layers import CustomLayer
from palmette_plugins.engines.channels.operations import NORMALISATIONS
from palmette_plugins.engines.sparsity.layers import is_weighted


class _Tracer(fx.Tracer):
    """Looks into every module but torch's own layers and the suite's layer types."""

    def is_leaf_module(self, module: nn.Module, qualified_name: str) -> bool:
        if isinstance(module, (CustomLayer, *NORMALISATIONS)) or is_weighted(module):
            return True
        leaf: bool = super().is_leaf_module(module, qualified_name)
        return leaf


def traced(module: nn.Module) -> fx.Graph:
    """Return the graph of a module's forward pass.

    Raises:
        InvalidArgument: Its forward depends on the values of tensors; field ``model``.
    """
    try:
        graph: Any = _Tracer().trace(module)
    except (fx.proxy.TraceError, AssertionError, AttributeError, NotImplementedError, RuntimeError) as error:
        raise _refusal(error) from error
    except (IndexError, KeyError, TypeError, ValueError) as error:  # a proxy met code that wanted a tensor
        raise _refusal(error) from error
    return graph


def _refusal(error: Exception) -> InvalidArgument:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return InvalidArgument.field("model", f"its forward pass cannot be followed from layer to layer: {reason}")
