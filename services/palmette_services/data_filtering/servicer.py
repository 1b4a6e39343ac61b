"""``palmette.data_filtering.v1.DataFilteringService``: pairs in, scores out."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from palmette_plugins.api.errors import InvalidArgument
from palmette_protos.data_filtering.v1 import data_filtering_pb2, data_filtering_pb2_grpc
from palmette_services.data_filtering.waiting import batches_of_waiting
from palmette_services.runtime.rpc.operations import Operations

LARGEST_IMAGE_BYTES = 16 << 20
MOST_PAIRS = 64
MOST_BYTES = 16 << 20
_CAUSES = {
    "unreadable-image": data_filtering_pb2.DROP_CAUSE_UNREADABLE_IMAGE,
    "empty-caption": data_filtering_pb2.DROP_CAUSE_EMPTY_CAPTION,
    "non-finite-score": data_filtering_pb2.DROP_CAUSE_NON_FINITE_SCORE,
}


class DataFilteringServicer(data_filtering_pb2_grpc.DataFilteringServiceServicer):
    """Answers by the service's operations."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    async def ScorePairs(
        self, request: AsyncIterator[data_filtering_pb2.ScorePairsRequest], context: Any
    ) -> AsyncIterator[data_filtering_pb2.ScorePairsResponse]:
        """Score pairs in the order they come; those that wait while others are scored are scored together."""
        messages = aiter(request)
        header = await anext(messages, None)
        if header is None or not header.HasField("header"):
            raise InvalidArgument.field("header", "required: the first message names the filter")
        if not header.header.filter:
            raise InvalidArgument.field("header.filter", "required")
        question = {"filter": header.header.filter}
        if not header.header.filter.startswith("artifact"):
            raise InvalidArgument.field(
                "header.filter", f"'{header.header.filter}' is no artifact; write artifact:<id>"
            )
        async with aclosing(batches_of_waiting(_pairs(messages), MOST_PAIRS, MOST_BYTES, _size)) as batches:
            async for batch in batches:
                asked = {**question, "pairs": [_asked(pair) for pair in batch]}
                answer = await self._operations.ask("score-pairs", asked, context)
                for scored in answer["scores"]:
                    yield _response(scored)


async def _pairs(
    messages: AsyncIterator[data_filtering_pb2.ScorePairsRequest],
) -> AsyncIterator[data_filtering_pb2.ImageTextPair]:
    async for message in messages:
        if not message.HasField("pair"):
            raise InvalidArgument.field("pair", "required: after the header come pairs")
        if len(message.pair.image) > LARGEST_IMAGE_BYTES:
            text = f"{len(message.pair.image)} bytes; at most {LARGEST_IMAGE_BYTES} are taken"
            raise InvalidArgument.field("pair.image", text)
        yield message.pair


def _size(pair: data_filtering_pb2.ImageTextPair) -> int:
    return len(pair.image) + len(pair.caption)


def _asked(pair: data_filtering_pb2.ImageTextPair) -> dict[str, str]:
    return {"uid": pair.uid, "image": base64.b64encode(pair.image).decode(), "caption": pair.caption}


def _response(scored: dict[str, Any]) -> data_filtering_pb2.ScorePairsResponse:
    if "dropped" in scored:
        return data_filtering_pb2.ScorePairsResponse(uid=scored["uid"], dropped=_CAUSES[scored["dropped"]])
    return data_filtering_pb2.ScorePairsResponse(uid=scored["uid"], score=scored["score"])
