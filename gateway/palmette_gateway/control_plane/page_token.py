"""The token of a page of jobs that come from several services."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass, field

from palmette_gateway.control_plane.job_order import Key
from palmette_gateway.errors import invalid_argument
from palmette_protos.v1 import job_pb2


@dataclass(frozen=True)
class Position:
    """Where a listing stands.

    Attributes:
        after: Key of the last job that was returned; None at the start.
        tokens: Page token of each service that has more, or may have.
        totals: How many jobs each service has in all, as far as it told.
    """

    after: Key | None
    tokens: dict[str, str]
    totals: dict[str, int] = field(default_factory=dict)


def encode(position: Position, request: job_pb2.ListJobsRequest) -> str:
    """Write a position as an opaque token that only fits the same filter and order."""
    content = {
        "after": position.after,
        "tokens": position.tokens,
        "totals": position.totals,
        "query": _query(request),
    }
    return base64.urlsafe_b64encode(json.dumps(content, separators=(",", ":")).encode()).decode()


def decode(request: job_pb2.ListJobsRequest) -> Position:
    """Read the request's token.

    Raises:
        CallError: INVALID_ARGUMENT, it is no token of ours or belongs to another listing.
    """
    try:
        content = json.loads(base64.urlsafe_b64decode(request.page_token.encode()))
        value, job_id = content["after"]
        position = Position(
            after=(int(value), str(job_id)),
            tokens={str(name): str(token) for name, token in content["tokens"].items()},
            totals={str(name): int(total) for name, total in content["totals"].items()},
        )
        query = content["query"]
    except (binascii.Error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise invalid_argument([("page_token", "is not a token that the gateway gave")]) from error
    if query != _query(request):
        raise invalid_argument([("page_token", "belongs to a listing with another filter or order: start again")])
    return position


def _query(request: job_pb2.ListJobsRequest) -> str:
    return hashlib.sha256(f"{request.filter}\0{request.order_by}".encode()).hexdigest()[:8]
