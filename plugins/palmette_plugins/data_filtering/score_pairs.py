"""Operation ``score-pairs``: the scores that a saved filter gives to some pairs, as its job would give them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import torch

from palmette_plugins.api.artifacts import ArtifactStore
from palmette_plugins.api.errors import InvalidArgument
from palmette_plugins.datasets.pair_pool import RawPair
from palmette_plugins.engines.contrastive.pair_filter import load_filter
from palmette_plugins.engines.contrastive.scoring import PairScorer, ScoredPair

_FILTERS = 2  # kept loaded: a stream asks for the same one again and again


def score_pairs(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``{"scores": [{"uid", "score" or "dropped"}]}`` in the order of the pairs.

    `request` has ``filter`` (``artifact:<id>``), ``pairs`` (a list of ``uid``, ``image`` in base64, ``caption``) and
    ``artifact_store_url``.

    Raises:
        InvalidArgument: Field ``header.filter`` or ``pair.image``.
    """
    store = ArtifactStore(str(request["artifact_store_url"]))
    try:
        identifier = store.resolve(str(request["filter"]))
    except InvalidArgument as error:
        raise InvalidArgument.field("header.filter", error.violations[0].description) from None
    scorer = _scorer(store.url, identifier)
    pairs = [RawPair(str(pair["uid"]), _image(pair["image"]), str(pair["caption"])) for pair in request["pairs"]]
    return {"scores": [_answer(scored) for batch in scorer.scored(pairs) for scored in batch]}


@lru_cache(maxsize=_FILTERS)
def _scorer(store_url: str, identifier: str) -> PairScorer:
    """Return a filter's scorer; an artifact never changes, so it may be kept."""
    made = load_filter(ArtifactStore(store_url).get(identifier), "header.filter")
    return made.scorer(torch.device("cpu"))


def _image(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidArgument.field("pair.image", f"is not base64: {error}") from None


def _answer(scored: ScoredPair) -> dict[str, Any]:
    if scored.dropped is not None:
        return {"uid": scored.uid, "dropped": scored.dropped.value}
    return {"uid": scored.uid, "score": scored.score}
