"""Operation ``specialize``: from a trained supernet, the best sub-network under limits as a new artifact."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from pydantic import ValidationError

from palmette_plugins.api import Dataset, InvalidArgument, LoadedModel
from palmette_plugins.api.artifacts import ArtifactStore, Manifest
from palmette_plugins.api.errors import FieldViolation
from palmette_plugins.api.kinds import ArtifactKind
from palmette_plugins.api.provenance import environment
from palmette_plugins.api.references import Reference
from palmette_plugins.api.resolve import load_dataset
from palmette_plugins.architectures.loading import load_model_reference
from palmette_plugins.architectures.saving import model_files
from palmette_plugins.engines.elastic.extraction import supernet_of
from palmette_plugins.engines.elastic.measuring import Measured, measure
from palmette_plugins.engines.elastic.recalibration import IMAGES, CalibrationImages
from palmette_plugins.engines.elastic.specialising import specialise
from palmette_plugins.engines.profiling import measure_latency
from palmette_plugins.nas.described_choice import described
from palmette_plugins.nas.limits import Costs, Limits
from palmette_plugins.nas.subnet_table import limited_validation
from palmette_plugins.nas.supernet_artifact import load_predictor

MOST_HELD_OUT = 2000  # images that the answer's accuracy is measured on: the answer takes seconds


@dataclass(frozen=True)
class _TrainedSupernet:
    """A supernet artifact, read."""

    identifier: str
    manifest: Manifest
    model: LoadedModel
    data: Dataset


def specialize(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of ``palmette.nas.v1.SpecializeResponse``; `request` has those of SpecializeRequest.

    Nothing is trained: the supernet's predictor steers a search, and the winner's batch norms are recalibrated.

    Raises:
        InvalidArgument: Fields ``supernet``, ``limits``, ``data``.
    """
    started_s = time.perf_counter()
    limits = _limits(request)
    store = ArtifactStore(str(request["artifact_store_url"]))
    trained = _trained_supernet(request, store)
    supernet = supernet_of(trained.model, "supernet")
    space, seed = supernet.space, int(request.get("seed") or 0)
    predictor = load_predictor(store, trained.identifier, space, "supernet")
    costs = _costs(trained.model.spec.architecture)
    found = specialise(space, lambda genes: predictor.predict(space, genes), costs.limits(limits), seed)
    images = CalibrationImages(trained.data, trained.manifest.seed, images=_calibration_images(trained.manifest))
    measured = measure(trained.model, space.decode(found.genes), trained.data, images)
    latency_ms = measure_latency(measured.model.module, (torch.zeros(1, *trained.data.info.input_shape),))
    metric = trained.data.task.primary_metric
    answer = {
        "choice": described(measured.choice),
        "parameters": measured.parameters,
        "macs": measured.macs,
        "latency_ms": latency_ms,
        "predicted_accuracy": found.score,
        "accuracy": measured.metrics[metric],
    }
    artifact = _save(store, trained, measured, limits, seed, answer)
    return {"artifact": f"artifacts/{artifact}", **answer, "seconds": time.perf_counter() - started_s}


def _limits(request: Mapping[str, Any]) -> Limits:
    given = {name: value for name, value in dict(request.get("limits") or {}).items() if value}
    try:
        return Limits.model_validate(given)
    except ValidationError as error:
        raise InvalidArgument(
            FieldViolation(".".join(["limits", *map(str, item["loc"])]), item["msg"].removeprefix("Value error, "))
            for item in error.errors(include_url=False)
        ) from None


def _trained_supernet(request: Mapping[str, Any], store: ArtifactStore) -> _TrainedSupernet:
    text = str(request.get("supernet") or "")
    if not text.startswith(("artifact:", "artifacts/")):
        raise InvalidArgument.field("supernet", "required: a trained supernet, such as artifact:3f2a9c01")
    reference = Reference("artifact", text.removeprefix("artifact:").removeprefix("artifacts/"))
    model = load_model_reference(str(reference), "supernet", None, store, seed=0)
    supernet_of(model, "supernet")
    manifest = store.manifest(model.artifact)
    inputs = manifest.inputs.get("data") or [""]
    named = str(request.get("data") or "") or inputs[0]
    if not named:
        raise InvalidArgument.field("data", "required: the supernet does not say what it was trained on")
    data = load_dataset(named, "data")
    load_model_reference(str(reference), "data", data.info, store, seed=0)  # refuses data that does not fit
    return _TrainedSupernet(model.artifact, manifest, model, limited_validation(data, MOST_HELD_OUT))


def _calibration_images(manifest: Manifest) -> int:
    return int(manifest.config.get("calibration_images", IMAGES))


@lru_cache(maxsize=8)
def _costs(architecture: str) -> Costs:
    """Return the cost tables of a supernet; latencies are measured once per process, on the CPU."""
    supernet = supernet_of(load_model_reference(architecture, "supernet", None, None, seed=0), "supernet")
    return Costs(supernet.space, supernet.in_channels, supernet.num_classes)


def _save(
    store: ArtifactStore,
    trained: _TrainedSupernet,
    measured: Measured,
    limits: Limits,
    seed: int,
    answer: Mapping[str, Any],
) -> str:
    metrics = {f"validation/{name}": value for name, value in measured.metrics.items()}
    metrics |= {"parameters": float(measured.parameters), "macs": float(measured.macs)}
    metrics["predicted/accuracy"] = float(answer["predicted_accuracy"])
    with store.writer() as writer:
        spec = model_files(writer, measured.model, trained.data)
        identifier: str = writer.commit(
            kind=ArtifactKind.MODEL,
            output="model",
            spec=spec,
            task=spec.task,
            metrics=metrics,
            parents=(trained.identifier,),
            inputs={"supernet": [f"artifact:{trained.identifier}"], "data": [trained.data.info.reference]},
            plugin="nas/specialize",
            plugin_version=trained.manifest.plugin_version,
            config={"limits": limits.given},
            dataset_fingerprint=trained.data.fingerprint,
            seed=seed,
            environment=environment(),
            attributes=dict(answer["choice"]),
        )
    return identifier
