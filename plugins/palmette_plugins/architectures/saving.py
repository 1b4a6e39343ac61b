"""Saving a model into an artifact."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from palmette_plugins.api.architecture import LoadedModel
from palmette_plugins.api.artifacts import ArtifactWriter
from palmette_plugins.api.data import Dataset
from palmette_plugins.api.spec import ModelSpec
from palmette_plugins.architectures import samples, weights_file
from palmette_plugins.architectures.loading import ASSETS
from palmette_plugins.architectures.weights_file import load_weights

__all__ = ["load_weights", "model_files"]


def model_files(
    writer: ArtifactWriter, model: LoadedModel, data: Dataset | None, held_out: Mapping[str, Tensor] | None = None
) -> ModelSpec:
    """Add a model's files to an artifact and return its spec, complete.

    ``weights.safetensors`` always; ``samples.safetensors`` (held-out inputs with PyTorch's outputs) where `data` has
    held-out examples; ``assets/`` holds what travels with the model. `data` fixes task, signature and labels; without
    it those of the model's spec stay, and a model that has none can be trained further but not served. `held_out` are
    inputs by name for the samples of a model that has a signature of its own, which then stays: without `data`, or
    with data that do not decide it (a text encoder's).
    """
    spec = model.spec
    if held_out is not None:
        data = None
    if data is not None:
        spec = spec.model_copy(update={"task": data.info.task, "io": data.task.io(data.info)})
    for name, content in model.assets.items():
        writer.add_bytes(f"{ASSETS}{name}", content)
    writer.add_bytes(weights_file.FILE_NAME, weights_file.weights_bytes(model.module.state_dict()))
    if data is not None and spec.io is not None:
        taken = samples.take_samples(model.module, data, spec.io)
        if taken is not None:
            writer.add_bytes(samples.FILE_NAME, samples.samples_bytes(taken))
    elif held_out is not None and spec.io is not None:
        inputs = tuple(held_out[tensor.name] for tensor in spec.io.inputs)
        writer.add_bytes(samples.FILE_NAME, samples.samples_bytes(samples.answered(model.module, inputs, spec.io)))
    return spec
