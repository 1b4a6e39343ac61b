"""The artifact of a trained supernet: its weights, and the predictor of its sub-networks' accuracy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from torch import Tensor

from palmette_plugins.api import Dataset, InvalidArgument, JobContext, LoadedModel
from palmette_plugins.api.artifacts import ArtifactStore
from palmette_plugins.architectures import weights_file
from palmette_plugins.engines.elastic.extraction import extract_module, supernet_of
from palmette_plugins.engines.elastic.populations import feature_length
from palmette_plugins.engines.elastic.predictor import AccuracyPredictor
from palmette_plugins.engines.elastic.recalibration import recalibrate
from palmette_plugins.engines.elastic.space import Space
from palmette_plugins.nas.accuracy_samples import SampledPredictor

PREDICTOR = "predictor.safetensors"


def save_supernet(
    job: JobContext,
    model: LoadedModel,
    data: Dataset,
    images: Iterable[Tensor],
    predictor: SampledPredictor,
    metrics: Mapping[str, float],
    training_seconds: float,
) -> str:
    """Commit the supernet, whose shared statistics are those of its largest sub-network, and return the id."""
    with_largest_statistics(model, images, job)
    spec = model.spec.model_copy(update={"task": data.info.task, "io": data.task.io(data.info)})
    files: dict[str, bytes | Path] = {
        weights_file.FILE_NAME: weights_file.weights_bytes(model.module.state_dict()),
        PREDICTOR: weights_file.weights_bytes(predictor.network.state_dict()),
    }
    attributes = {"predictor_samples": predictor.samples, "training_seconds": training_seconds}
    return job.save_files(files, output="supernet", spec=spec, metrics=metrics, attributes=attributes)


def with_largest_statistics(model: LoadedModel, images: Iterable[Tensor], job: JobContext) -> None:
    """Recalibrate the supernet in place, so that without a choice it answers as its largest sub-network does."""
    supernet = supernet_of(model)
    largest = extract_module(supernet, supernet.space.largest).to(job.device)
    recalibrate(largest, images, job.raise_if_cancelled)
    own = supernet.state_dict()
    for name, tensor in largest.state_dict().items():
        if "running" in name:
            own[name].copy_(tensor)


def load_predictor(store: ArtifactStore, identifier: str, space: Space, field: str) -> AccuracyPredictor:
    """Return the predictor of a supernet artifact; raise `InvalidArgument` for `field` if it has none."""
    if PREDICTOR not in {file.path for file in store.manifest(identifier).files}:
        raise InvalidArgument.field(
            field, f"'artifact:{identifier[:12]}' has no accuracy predictor to search with; train one with ofa"
        )
    predictor = AccuracyPredictor(feature_length(space))
    weights_file.load_weights(predictor, store.local_path(identifier, PREDICTOR))
    return predictor.eval().requires_grad_(False)
