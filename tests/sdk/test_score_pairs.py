"""Scoring image-text pairs as a stream."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.sdk.tiny_suite import TinySuite

import palmette
from palmette import ImageTextPair
from palmette.errors import InvalidRequest
from palmette.types import DropCause, PairScore

FILTER = "artifacts/" + "ab" * 32
PAIRS = [ImageTextPair(b"png", "a red square", "1"), ImageTextPair(b"png", "", "2"), ImageTextPair(b"png", "ab", "3")]


def test_every_pair_is_answered_in_order(client: palmette.Client, suite: TinySuite) -> None:
    assert list(client.score_pairs(FILTER, PAIRS)) == [
        PairScore("1", 0.12),
        PairScore("2", None, DropCause.EMPTY_CAPTION),
        PairScore("3", 0.02),
    ]
    assert suite.data_filtering.filter == "artifact:" + "ab" * 32


def test_pairs_are_taken_as_they_are_needed(client: palmette.Client, suite: TinySuite) -> None:
    def endless() -> Iterator[ImageTextPair]:
        while True:
            yield ImageTextPair(b"x" * 10_000, "a caption")

    scores = client.score_pairs(FILTER, endless())
    assert next(scores).score == 0.09
    scores.close()


def test_a_refusal_comes_out_typed(client: palmette.Client) -> None:
    with pytest.raises(InvalidRequest, match="refused"):
        list(client.score_pairs(FILTER, [ImageTextPair(b"refuse", "a caption")]))


async def test_the_asynchronous_client_does_the_same(suite: TinySuite) -> None:
    async with palmette.aio.Client(suite.address, suite.token) as client:
        found = [score async for score in client.score_pairs(FILTER, PAIRS)]
    assert [score.uid for score in found] == ["1", "2", "3"]
