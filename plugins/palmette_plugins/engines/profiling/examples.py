"""One input of the right shape for a model."""

from __future__ import annotations

import torch
from torch import Tensor

from palmette_plugins.api.architecture import LoadedModel
from palmette_plugins.api.data import DataInfo
from palmette_plugins.api.errors import InvalidArgument
from palmette_plugins.api.references import Reference
from palmette_plugins.api.resolve import architecture_provider


def example_inputs(model: LoadedModel, data: DataInfo | None = None) -> tuple[Tensor, ...]:
    """Return a batch of one zero input on the model's device.

    Its shape is that of the data, else of the signature that the model was saved with, else the one that its
    architecture was made for.

    Raises:
        InvalidArgument: None of them says a shape; field ``data``.
    """
    device = next((tensor.device for tensor in model.module.state_dict().values()), torch.device("cpu"))
    if data is not None:
        return (torch.zeros(1, *data.input_shape, dtype=getattr(torch, data.input_dtype), device=device),)
    if model.spec.io is not None and not any(size < 0 for spec in model.spec.io.inputs for size in spec.shape):
        return tuple(
            torch.zeros(1, *spec.shape, dtype=getattr(torch, spec.dtype), device=device)
            for spec in model.spec.io.inputs
        )
    reference = Reference.parse(model.spec.architecture)
    shape = architecture_provider(reference).input_shape(reference)
    if shape is None:
        raise InvalidArgument.field("data", f"name a dataset: '{model.reference}' does not say its input's shape")
    dtype = torch.int64 if model.spec.task == "language-modelling" else torch.float32
    return (torch.zeros(1, *shape, dtype=dtype, device=device),)
