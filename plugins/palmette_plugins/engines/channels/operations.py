"""What operations of a forward pass do to channels: keep them apart, join them, or mix them."""

from __future__ import annotations

import operator
from typing import Any

from torch import fx, nn

NORMALISATIONS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)

# Additions and products of two maps act channel by channel.
JOINING = frozenset({"add", "iadd", "add_", "sub", "isub", "mul", "imul", "mul_", "truediv", "div"})

_KEEPING = frozenset(
    {
        *("relu", "relu_", "relu6", "leaky_relu", "elu", "selu", "celu", "gelu", "silu", "mish", "softplus"),
        *("sigmoid", "tanh", "hardtanh", "hardswish", "hardsigmoid", "logsigmoid", "neg", "abs", "sqrt"),
        *("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "clamp", "contiguous", "clone", "float"),
        *("max_pool1d", "max_pool2d", "max_pool3d", "avg_pool1d", "avg_pool2d", "avg_pool3d", "boolean_dispatch"),
        *("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "interpolate", "to", "detach"),
    }
)
_KEEPING_MODULES = (
    *(nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout),
    *(nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.SELU, nn.CELU, nn.GELU, nn.SiLU, nn.Mish, nn.Softplus),
    *(nn.Sigmoid, nn.Tanh, nn.Hardtanh, nn.Hardswish, nn.Hardsigmoid, nn.LogSigmoid),
    *(nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d, nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d, nn.Upsample),
    *(nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d),
    *(nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d),
)


def name_of(node: fx.Node) -> str:
    """Return the name of a function or method that is called."""
    if node.target is operator.getitem:
        return "getitem"
    return str(node.target if node.op == "call_method" else getattr(node.target, "__name__", node.target))


def is_silent(node: fx.Node) -> bool:
    """Tell whether a call returns no tensor of channels: a size, a type, a device."""
    name = name_of(node)
    return name in ("size", "dim") or (name == "getattr" and node.args[1] in ("shape", "dtype", "device", "ndim"))


def keeps_channels(operation: fx.Node | nn.Module) -> bool:
    """Tell whether every channel of the result depends on the same channel of the input alone."""
    if isinstance(operation, nn.Module):
        return isinstance(operation, _KEEPING_MODULES)
    return name_of(operation) in _KEEPING


def flattens(node: fx.Node) -> bool:
    """Tell whether a call joins channels and positions into one dimension of features, channel by channel."""
    name, arguments = name_of(node), node.args[1:]
    if name == "flatten":
        start = node.kwargs.get("start_dim", arguments[0] if arguments else 0)
        end = node.kwargs.get("end_dim", arguments[1] if len(arguments) > 1 else -1)
        return bool(start == 1 and end == -1)
    if name in ("view", "reshape"):
        sizes: Any = arguments[0] if len(arguments) == 1 and isinstance(arguments[0], (tuple, list)) else arguments
        return len(sizes) == 2 and sizes[1] == -1
    return False


def reduces_positions(node: fx.Node) -> bool:
    """Tell whether a call takes the mean or sum over positions of a map, that is over dimensions after the second."""
    if name_of(node) not in ("mean", "sum", "amax"):
        return False
    dims: Any = node.kwargs.get("dim", node.args[1] if len(node.args) > 1 else None)
    dims = (dims,) if isinstance(dims, int) else dims
    if not isinstance(dims, (tuple, list)) or not dims:
        return False
    return set(dims) in ({2}, {2, 3}, {-1, -2}, {2, 3, 4})
