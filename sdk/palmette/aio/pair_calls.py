"""Scores of image-text pairs, as a stream."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable

import grpc

from palmette.aio.artifacts import artifact_name
from palmette.aio.connection import Connection
from palmette.types import Artifact, ImageTextPair, PairScore
from palmette.wire.pairs import pair_message, score_from
from palmette.wire.status import error_from
from palmette_protos.data_filtering.v1 import data_filtering_pb2


class PairCalls:
    """The part of a client that scores image-text pairs."""

    _connection: Connection

    async def score_pairs(self, filter: str | Artifact, pairs: Iterable[ImageTextPair], /) -> AsyncIterator[PairScore]:
        """Yield the score that a filter gives to each pair, in their order, while the pairs are still being sent.

        `filter` is the output ``filter`` of a job of the method ``dfn``. Pairs are taken as they are needed, so there
        may be more of them than fit into memory. Nothing is sent twice: after a broken connection, go on with the
        pairs that have no answer yet.
        """
        connection, stub = self._connection, self._connection.data_filtering
        messages = _messages(artifact_name(filter).reference, pairs)
        try:
            with connection.tracing.span(data_filtering_pb2.ScorePairsRequest) as trace:
                call = stub.ScorePairs(messages, metadata=(*connection.metadata(), *trace))
                try:
                    async for response in call:
                        yield score_from(response)
                finally:
                    call.cancel()
        except grpc.aio.AioRpcError as error:
            raise error_from(error, connection.endpoint.address) from None


async def _messages(
    reference: str, pairs: Iterable[ImageTextPair]
) -> AsyncIterator[data_filtering_pb2.ScorePairsRequest]:
    header = data_filtering_pb2.ScorePairsHeader(filter=reference)
    yield data_filtering_pb2.ScorePairsRequest(header=header)
    for pair in pairs:
        yield data_filtering_pb2.ScorePairsRequest(pair=pair_message(pair))
