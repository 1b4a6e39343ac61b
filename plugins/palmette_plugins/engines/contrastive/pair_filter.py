"""Filters as artifacts: the network, what it scores with, and back."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from palmette_plugins.api.architecture import LoadedModel
from palmette_plugins.api.artifacts import StoredArtifact
from palmette_plugins.api.errors import InvalidArgument
from palmette_plugins.api.kinds import ArtifactKind
from palmette_plugins.architectures import weights_file
from palmette_plugins.architectures.building import build
from palmette_plugins.engines.contrastive.masked_pair import MaskedPair
from palmette_plugins.engines.contrastive.pair_model import PairModel, with_preparation
from palmette_plugins.engines.contrastive.scorers import BinaryScore, CosineScore, ReconstructionScore, ScorerKind
from palmette_plugins.engines.contrastive.scoring import BATCH, PairScorer
from palmette_plugins.engines.contrastive.towers import Towers
from palmette_plugins.engines.seeding import seeded_draws

HEAD_FILE = "head.safetensors"
SCORER = "scorer"


@dataclass(frozen=True)
class PairFilter:
    """A filter network.

    Attributes:
        model: Its towers, or its autoencoder, with their preparation.
        kind: What it scores with.
        score: The scoring network around it.
    """

    model: PairModel
    kind: ScorerKind
    score: nn.Module

    def scorer(self, device: torch.device, dtype: torch.dtype | None = None, batch: int = BATCH) -> PairScorer:
        """Return what scores raw pairs with it."""
        return PairScorer(self.score, self.model.preparation, device, dtype, batch)

    def extra_files(self) -> dict[str, bytes]:
        """Return the files of its artifact beside the model's own."""
        if isinstance(self.score, BinaryScore):
            return {HEAD_FILE: weights_file.weights_bytes(self.score.head.state_dict())}
        return {}


def pair_filter(model: PairModel, kind: ScorerKind) -> PairFilter:
    """Return a filter around a model; the head of a binary one is new.

    Raises:
        InvalidArgument: The model cannot score that way.
    """
    module = model.module
    if kind is ScorerKind.RECONSTRUCTION and isinstance(module, MaskedPair):
        return PairFilter(model, kind, ReconstructionScore(module))
    if kind is not ScorerKind.RECONSTRUCTION and isinstance(module, Towers):
        score = CosineScore(module) if kind is ScorerKind.CONTRASTIVE else BinaryScore(module, _dimension(model))
        return PairFilter(model, kind, score)
    raise InvalidArgument.field("config.scorer", f"'{model.loaded.spec.architecture}' cannot score by {kind.value}")


def filter_kind(artifact: StoredArtifact, field: str) -> ScorerKind:
    """Return what a saved filter scores with, from its manifest alone.

    Raises:
        InvalidArgument: The artifact holds something else; for `field`.
    """
    manifest = artifact.manifest
    name = str(manifest.attributes.get(SCORER) or ScorerKind.CONTRASTIVE.value)
    of_pairs = manifest.spec is not None and manifest.spec.architecture.startswith("clip:")
    if manifest.kind is not ArtifactKind.MODEL or not of_pairs or name not in list(ScorerKind):
        what = manifest.spec.architecture if manifest.spec is not None else f"a {manifest.kind.value}"
        raise InvalidArgument.field(field, f"artifact {artifact.id[:12]} is no filter of image-text pairs but {what}")
    return ScorerKind(name)


def load_filter(artifact: StoredArtifact, field: str) -> PairFilter:
    """Return the filter that a job saved; raises what `filter_kind` raises."""
    kind = filter_kind(artifact, field)
    spec = artifact.manifest.spec
    assert spec is not None
    with seeded_draws(0, "rebuilding"):  # every weight is overwritten; the global random state must not move
        module = build(spec)
        weights_file.load_weights(module, artifact.file(weights_file.FILE_NAME))
        loaded = LoadedModel(module, spec, artifact.reference, artifact=artifact.id, pretrained=True)
        found = pair_filter(with_preparation(loaded), kind)
    if isinstance(found.score, BinaryScore):
        weights_file.load_weights(found.score.head, artifact.file(HEAD_FILE))
    return found


@torch.inference_mode()
def _dimension(model: PairModel) -> int:
    """Return the length of the model's vectors, asking it for one."""
    module = model.module
    assert isinstance(module, Towers)
    device = next(module.parameters()).device
    training = module.training
    vector = module.eval().text_vectors(model.preparation.tokenize(["a"]).to(device))
    module.train(training)
    return vector.shape[1]
