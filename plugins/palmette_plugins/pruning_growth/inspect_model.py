"""Operation ``inspect-model``: a model's layers with shapes, parameters, multiply-adds and density."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from palmette_plugins.api.architecture import LoadedModel
from palmette_plugins.api.artifacts import ArtifactStore
from palmette_plugins.api.data import DataInfo
from palmette_plugins.api.errors import InvalidArgument
from palmette_plugins.api.resolve import describe_dataset
from palmette_plugins.architectures.loading import inspect_model_reference, load_model_reference
from palmette_plugins.engines.profiling import LayerProfile, profile_layers, totals
from palmette_plugins.engines.profiling.examples import example_inputs


def inspect_model(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of ``palmette.pruning_growth.v1.InspectModelResponse``.

    `request` has those of InspectModelRequest and ``artifact_store_url``. Learned weights are read, to count those
    that are not zero; a new model is looked at without making its weights, all of which count.

    Raises:
        InvalidArgument: Field ``model`` or ``data``.
    """
    text = str(request.get("model") or "")
    if not text:
        raise InvalidArgument.field("model", "required: a model reference such as zoo:resnet20")
    url = str(request.get("artifact_store_url") or "")
    store = ArtifactStore(url) if url else None
    data = describe_dataset(str(request["data"]), "data", store) if request.get("data") else None
    model = _model(text, data, store)
    inputs = example_inputs(model, data)
    layers = profile_layers(model.module, inputs)
    return {
        "layers": [_layer(layer) for layer in layers],
        **asdict(totals(layers)),
        "spec": model.spec.model_dump(mode="json"),
        "input_shape": list(inputs[0].shape[1:]),
    }


def _model(text: str, data: DataInfo | None, store: ArtifactStore | None) -> LoadedModel:
    model = inspect_model_reference(text, "model", data, store)
    return load_model_reference(text, "model", data, store, seed=0) if model.pretrained else model


def _layer(profile: LayerProfile) -> dict[str, Any]:
    fields = asdict(profile)
    fields.pop("effective_macs")  # the response has it for the whole model only
    return {
        **fields,
        "name": profile.name or profile.type,
        "weight_shape": list(profile.weight_shape),
        "output_shape": list(profile.output_shape),
    }
