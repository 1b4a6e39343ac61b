"""Trained models of the serving tests, and what PyTorch makes of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy
import torch

from palmette_plugins.api import run_method
from palmette_plugins.api.artifacts import ArtifactStore
from palmette_plugins.api.resolve import load_dataset
from palmette_plugins.architectures.loading import load_model_reference
from palmette_plugins.datasets.batches import gather
from palmette_plugins.pruning_growth.dense_training import DenseTraining
from palmette_plugins.pruning_growth.model_averaging import ModelAveraging
from palmette_plugins.serving.export import Export


@dataclass(frozen=True)
class TrainedModel:
    """An artifact and its export, with held-out inputs and PyTorch's outputs for them."""

    id: str
    servable: str
    images: numpy.ndarray
    logits: numpy.ndarray


@dataclass(frozen=True)
class Models:
    """Three classifiers of digits in one store."""

    store: Path
    first: TrainedModel
    second: TrainedModel
    ensemble: TrainedModel


def train_models(store: Path) -> Models:
    """Train two small networks for an epoch, average them, and export all three."""
    ids = [
        run_method(
            DenseTraining, store=store, seed=seed, model="zoo:mlp", data="digits", recipe={"epochs": 1}
        ).artifacts["model"][0]
        for seed in (0, 1)
    ]
    references = [f"artifact:{identifier}" for identifier in ids]
    averaged = run_method(ModelAveraging, store=store, models=references, data="digits").artifacts["model"][0]
    first, second, ensemble = (trained(store, identifier) for identifier in (*ids, averaged))
    return Models(store, first, second, ensemble)


def trained(store: Path, identifier: str) -> TrainedModel:
    """Export an artifact, and run it on the whole held-out split."""
    servable = run_method(Export, store=store, model=f"artifact:{identifier}").artifacts["servable"][0]
    split = load_dataset("digits")["test"]
    images, _ = gather(split, torch.arange(len(split)))
    loaded = load_model_reference(f"artifact:{identifier}", "model", None, ArtifactStore(str(store)), seed=0)
    with torch.inference_mode():
        logits = loaded.module.eval()(images)
    return TrainedModel(identifier, servable, images.numpy(), logits.numpy())
