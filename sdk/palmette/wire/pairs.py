"""Image-text pairs and their scores."""

from __future__ import annotations

from palmette.types import DropCause, ImageTextPair, PairScore
from palmette_protos.data_filtering.v1 import data_filtering_pb2

_CAUSES = {
    data_filtering_pb2.DROP_CAUSE_UNREADABLE_IMAGE: DropCause.UNREADABLE_IMAGE,
    data_filtering_pb2.DROP_CAUSE_EMPTY_CAPTION: DropCause.EMPTY_CAPTION,
    data_filtering_pb2.DROP_CAUSE_NON_FINITE_SCORE: DropCause.NON_FINITE_SCORE,
}


def pair_message(pair: ImageTextPair) -> data_filtering_pb2.ImageTextPair:
    """Return a pair for the wire."""
    return data_filtering_pb2.ImageTextPair(uid=pair.uid, image=pair.image, caption=pair.caption)


def score_from(response: data_filtering_pb2.ScorePairsResponse) -> PairScore:
    """Return a pair's score."""
    score = response.score if response.HasField("score") else None
    return PairScore(response.uid, score, _CAUSES.get(response.dropped))
