"""A filter that scores a pair by the length of its caption."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc

from palmette_protos.data_filtering.v1 import data_filtering_pb2, data_filtering_pb2_grpc


class TinyDataFiltering(data_filtering_pb2_grpc.DataFilteringServiceServicer):
    """Answers each pair when it has come; remembers which filter was named and how many pairs arrived."""

    def __init__(self) -> None:
        self.filter = ""
        self.arrived = 0

    def ScorePairs(
        self, request_iterator: Iterator[data_filtering_pb2.ScorePairsRequest], context: Any
    ) -> Iterator[data_filtering_pb2.ScorePairsResponse]:
        self.filter = next(request_iterator).header.filter
        for message in request_iterator:
            self.arrived += 1
            pair = message.pair
            if pair.image == b"refuse":
                context.abort(grpc.StatusCode.INVALID_ARGUMENT, "pair.image: refused")
            if not pair.caption:
                cause = data_filtering_pb2.DROP_CAUSE_EMPTY_CAPTION
                yield data_filtering_pb2.ScorePairsResponse(uid=pair.uid, dropped=cause)
            else:
                yield data_filtering_pb2.ScorePairsResponse(uid=pair.uid, score=len(pair.caption) / 100)
