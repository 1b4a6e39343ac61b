"""A two-tower model with what it needs to see raw pairs."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from palmette_plugins.api.architecture import LoadedModel
from palmette_plugins.api.data import DataInfo
from palmette_plugins.api.references import Reference
from palmette_plugins.api.resolve import architecture_provider
from palmette_plugins.architectures.clip_models import preparation
from palmette_plugins.architectures.loading import load_model_reference
from palmette_plugins.datasets.pair_preparation import PairPreparation


@dataclass(frozen=True)
class PairModel:
    """A model and how it wants images and texts.

    Attributes:
        loaded: The model.
        preparation: What makes its inputs of raw pairs.
    """

    loaded: LoadedModel
    preparation: PairPreparation

    @property
    def module(self) -> nn.Module:
        """The network."""
        return self.loaded.module


def architecture_of(arch: str) -> str:
    """Return the reference of an architecture as a configuration names it: ``tiny`` is ``clip:tiny``."""
    return arch if arch.startswith("clip:") else f"clip:{arch}"


def new_pair_model(arch: str, data: DataInfo, seed: int, *, pretrained: str = "") -> PairModel:
    """Return a model of an architecture, drawn from `seed`, or with the weights of a local file."""
    reference = Reference.parse(architecture_of(arch), "config.arch")
    if pretrained:
        reference = reference.with_parameters(pretrained=pretrained)
    completed = architecture_provider(reference).complete(reference, data)
    return with_preparation(load_model_reference(str(completed), "config.arch", None, None, seed=seed))


def with_preparation(loaded: LoadedModel) -> PairModel:
    """Return a loaded ``clip:`` model with its preparation."""
    return PairModel(loaded, preparation(Reference.parse(loaded.spec.architecture)))
