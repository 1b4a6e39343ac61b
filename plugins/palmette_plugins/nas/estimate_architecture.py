"""Operation ``estimate-architecture``: what a described sub-network costs, before anything is cut or trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from palmette_plugins.api import InvalidArgument, LoadedModel
from palmette_plugins.api.artifacts import ArtifactStore
from palmette_plugins.api.data import DataInfo
from palmette_plugins.api.resolve import describe_dataset
from palmette_plugins.architectures.loading import inspect_model_reference, load_model_reference
from palmette_plugins.engines.elastic.costs import macs_table, parameter_table
from palmette_plugins.engines.elastic.extraction import plain_reference, supernet_of
from palmette_plugins.engines.profiling import measure_latency
from palmette_plugins.nas.described_choice import described, parse_choice
from palmette_plugins.nas.supernet_artifact import PREDICTOR, load_predictor


def estimate_architecture(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of ``palmette.nas.v1.EstimateArchitectureResponse``.

    `request` has those of EstimateArchitectureRequest and ``artifact_store_url``.

    Raises:
        InvalidArgument: Fields ``supernet``, ``choice``, ``data``.
    """
    text = str(request.get("supernet") or "")
    if not text:
        raise InvalidArgument.field("supernet", "required: a supernet such as zoo:mbv3-supernet, or a trained one")
    url = str(request.get("artifact_store_url") or "")
    store = ArtifactStore(url) if url else None
    data = describe_dataset(str(request["data"]), "data") if request.get("data") else None
    model = inspect_model_reference(text, "supernet", data, store)
    supernet = supernet_of(model, "supernet")
    choice = parse_choice(supernet.space, dict(request.get("choice") or {}), "choice")
    of = (supernet.space, supernet.in_channels, supernet.num_classes)
    answer: dict[str, Any] = {
        "choice": described(choice),
        "model": str(plain_reference(model.spec.architecture, choice, choice.resolution)),
        "parameters": int(parameter_table(*of).of_choice(choice)),
        "macs": int(macs_table(*of).of_choice(choice)),
    }
    if request.get("measure_latency"):
        answer["latency_ms"] = _latency_ms(answer["model"], choice.resolution, supernet.in_channels, data)
    predicted = _predicted(model, store, supernet.space.encode(choice))
    return answer if predicted is None else {**answer, "predicted_accuracy": predicted}


def _latency_ms(reference: str, resolution: int, in_channels: int, data: DataInfo | None) -> float:
    """Return the median milliseconds of one image through the plain network on this machine's CPU."""
    module = load_model_reference(reference, "choice", None, None, seed=0).module
    shape = data.input_shape if data is not None else (in_channels, resolution, resolution)
    return measure_latency(module, (torch.zeros(1, *shape),))


def _predicted(model: LoadedModel, store: ArtifactStore | None, genes: tuple[int, ...]) -> float | None:
    """Return the accuracy that a trained supernet's predictor expects; None where there is no predictor."""
    if store is None or not model.artifact:
        return None
    if PREDICTOR not in {file.path for file in store.manifest(model.artifact).files}:
        return None
    space = supernet_of(model).space
    predictor = load_predictor(store, model.artifact, space, "supernet")
    return float(predictor.predict(space, np.array([genes], dtype=np.int64))[0])
