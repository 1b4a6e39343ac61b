"""The layers whose weights may be masked."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass

from torch import nn

_CONVOLUTIONS = (
    nn.Conv1d,
    nn.Conv2d,
    nn.Conv3d,
    nn.ConvTranspose1d,
    nn.ConvTranspose2d,
    nn.ConvTranspose3d,
)


@dataclass(frozen=True)
class LayerShape:
    """One maskable layer.

    Attributes:
        name: Name of the module within the model.
        shape: Shape of its weight; (c_out, c_in, k_h, k_w) for a convolution, (out, in) for a linear layer.
        classifier: It is the model's output layer.
    """

    name: str
    shape: tuple[int, ...]
    classifier: bool = False

    @property
    def weights(self) -> int:
        """Number of entries of the weight."""
        return math.prod(self.shape)

    @property
    def convolution(self) -> bool:
        """The weight has kernel dimensions."""
        return len(self.shape) > 2


def maskable_layers(module: nn.Module) -> dict[str, nn.Module]:
    """Return the convolution and linear layers whose weights may be masked, by name, in order.

    Left out: weights shared with an embedding (a language model's output layer; masking it would prune the
    embedding), and all but the first of several layers that share one weight.
    """
    embeddings = {id(layer.weight) for layer in module.modules() if isinstance(layer, nn.Embedding)}
    seen = set(embeddings)
    found = {}
    for name, layer in module.named_modules():
        if is_weighted(layer) and id(layer.weight) not in seen:
            seen.add(id(layer.weight))
            found[name] = layer
    return found


def layer_shapes(module: nn.Module) -> list[LayerShape]:
    """Return the shapes of the maskable layers, in order.

    The classifier is the last convolution or linear layer of the model in order of registration; where that
    one may not be masked, there is none.
    """
    layers = maskable_layers(module)
    weighted = [name for name, layer in module.named_modules() if is_weighted(layer)]
    return [
        LayerShape(name, tuple(layer.get_parameter("weight").shape), name == weighted[-1])
        for name, layer in layers.items()
    ]


def is_weighted(layer: nn.Module) -> bool:
    """Tell whether `layer` is a convolution or a linear layer, in torch's form or as GPT-2 in transformers has it."""
    if isinstance(layer, (*_CONVOLUTIONS, nn.Linear)):
        return True
    pytorch_utils = sys.modules.get("transformers.pytorch_utils")  # not imported: no such layer can be there
    return pytorch_utils is not None and isinstance(layer, pytorch_utils.Conv1D)
