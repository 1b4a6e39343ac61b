"""``clip:``: models of images and texts: tiny towers, and all of open_clip's."""

from __future__ import annotations

from pydantic import Field
from torch import nn

from palmette_plugins.api.architecture import ArchitectureProvider
from palmette_plugins.api.data import DataInfo
from palmette_plugins.api.errors import InvalidArgument
from palmette_plugins.api.local_paths import local_path
from palmette_plugins.api.reference_parameters import ReferenceParameters, as_text, parse_parameters
from palmette_plugins.api.references import Reference
from palmette_plugins.datasets.pair_preparation import PairPreparation, default_preparation
from palmette_plugins.datasets.word_tokens import CONTEXT, VOCABULARY, HashedWords
from palmette_plugins.engines.contrastive.masked_pair import MaskedPair
from palmette_plugins.engines.contrastive.open_clip_pair import (
    build_open_clip,
    known_name,
    open_clip_names,
    open_clip_preparation,
)
from palmette_plugins.engines.contrastive.tiny_pair import TinyPair

TINY = "tiny"
RECONSTRUCTION = "reconstruction"
_OWN = (TINY, RECONSTRUCTION)


class TinyParameters(ReferenceParameters):
    """Parameters of the suite's own models."""

    channels: int = Field(3, ge=1, le=3, description="1 grey, 3 colour")
    size: int = Field(32, ge=8, le=1024, description="images are size x size")
    dimension: int = Field(32, ge=1, le=4096, description="numbers of a vector")
    width: int = Field(16, ge=1, le=1024, description="channels of the first convolution; hidden size is four times it")
    vocabulary: int = Field(VOCABULARY, ge=2, le=10_000_000, description="different words, by their hash")
    context: int = Field(CONTEXT, ge=1, le=1024, description="words of a caption that count")


class OpenClipParameters(ReferenceParameters):
    """Parameters of open_clip's models."""

    pretrained: str | None = Field(None, description="a local file of weights (safetensors or pt)")


class Clip(ArchitectureProvider):
    """Two-tower models: ``clip:tiny``, ``clip:ViT-B-32`` and any other name of open_clip.

    ``clip:reconstruction`` is no pair of towers but a masked autoencoder of pairs, for filters that score by it.
    """

    summary = "models of images and texts: clip:tiny, and open_clip's such as clip:ViT-B-32"

    def names(self) -> list[str]:
        """Return the suite's own and open_clip's."""
        return [*_OWN, *open_clip_names()]

    def tasks(self, reference: Reference) -> frozenset[str]:
        """Return pairs; the autoencoder does no task of the suite."""
        return frozenset() if reference.target == RECONSTRUCTION else frozenset({"contrastive-pairs"})

    def complete(self, reference: Reference, data: DataInfo | None) -> Reference:
        """Return the reference with channels and size of the data where they are open."""
        if reference.target in _OWN:
            decided = {"channels": data.input_shape[0], "size": data.input_shape[1]} if data is not None else {}
            missing = {name: value for name, value in decided.items() if name not in reference.parameters}
            parameters = parse_parameters(TinyParameters, reference.with_parameters(**missing))
            return Reference(reference.scheme, reference.target, as_text(parameters))
        if not reference.target:
            raise InvalidArgument.field("reference", "clip needs the name of a model: write clip:tiny or clip:ViT-B-32")
        name = known_name(reference.target)
        given = parse_parameters(OpenClipParameters, reference)
        if given.pretrained is not None and not local_path(given.pretrained).is_file():
            raise InvalidArgument.field("reference", f"no file '{given.pretrained}'; pretrained= names a local file")
        open_clip_preparation(name)
        return Reference(reference.scheme, name, as_text(given))

    def build(self, reference: Reference) -> nn.Module:
        """Create the model."""
        if reference.target in _OWN:
            own = parse_parameters(TinyParameters, reference)
            if reference.target == RECONSTRUCTION:
                return MaskedPair(own.channels, own.size, 4 * own.width, own.vocabulary, own.context)
            return TinyPair(own.channels, own.dimension, own.width, own.vocabulary)
        given = parse_parameters(OpenClipParameters, reference)
        weights = local_path(given.pretrained) if given.pretrained is not None else None
        return build_open_clip(known_name(reference.target), weights)

    def pretrained(self, reference: Reference) -> bool:
        """Tell whether learned weights were asked for."""
        return "pretrained" in reference.parameters

    def structure(self, reference: Reference) -> Reference:
        """Return the reference without its weights."""
        kept = {name: value for name, value in reference.parameters.items() if name != "pretrained"}
        return Reference(reference.scheme, reference.target, kept)

    def input_shape(self, reference: Reference) -> tuple[int, ...] | None:
        """Return the shape of an image."""
        wanted = preparation(reference)
        return (wanted.channels, wanted.height, wanted.width)


def preparation(reference: Reference) -> PairPreparation:
    """Return how the model of a complete ``clip:`` reference wants images and texts."""
    if reference.target not in _OWN:
        return open_clip_preparation(known_name(reference.target))
    own = parse_parameters(TinyParameters, reference)
    return default_preparation(own.channels, own.size, HashedWords(own.vocabulary, own.context))
