"""Listing artifacts: filters and pages, newest first."""

from __future__ import annotations

import re

from sqlalchemy import ColumnElement, select, tuple_

from palmette_plugins.api.errors import InvalidArgument
from palmette_protos.v1 import artifact_pb2
from palmette_services.runtime.database import Database
from palmette_services.serving.artifacts.tables import ArtifactRow
from palmette_services.serving.paging import decode_token, encode_token, page_size

_FILTERS = {
    "kind": ArtifactRow.kind,
    "plugin": ArtifactRow.plugin,
    "job": ArtifactRow.job,
    "task": ArtifactRow.task,
}
_CONDITION = re.compile(r"\s*([a-z_]+)\s*=\s*(.*?)\s*")


async def list_artifacts(
    database: Database, request: artifact_pb2.ListArtifactsRequest
) -> artifact_pb2.ListArtifactsResponse:
    """Return a page; raise `InvalidArgument` for a wrong filter, size or token."""
    size = page_size(request.page_size)
    conditions = [_condition(part) for part in re.split(r"\s+AND\s+", request.filter.strip()) if part]
    after = decode_token(request.page_token, 2, request.filter)
    key = (ArtifactRow.create_time_us, ArtifactRow.id)
    statement = select(*key, ArtifactRow.summary).where(*conditions)
    if after is not None:
        statement = statement.where(tuple_(*key) < tuple_(*after))
    statement = statement.order_by(*(column.desc() for column in key)).limit(size + 1)
    async with database.read() as connection:
        rows = (await connection.execute(statement)).all()
    page = rows[:size]
    more = len(rows) > size
    return artifact_pb2.ListArtifactsResponse(
        artifacts=[artifact_pb2.Artifact.FromString(row.summary) for row in page],
        next_page_token=encode_token([page[-1].create_time_us, page[-1].id], request.filter) if more else "",
    )


def _condition(text: str) -> ColumnElement[bool]:
    match = _CONDITION.fullmatch(text)
    if match is None:
        raise InvalidArgument.field("filter", f"'{text}' is not a condition such as kind=model")
    if match[1] not in _FILTERS:
        raise InvalidArgument.field("filter", f"'{match[1]}' cannot be filtered by; known: {', '.join(_FILTERS)}")
    return _FILTERS[match[1]].in_([value.strip().strip('"') for value in match[2].split(",")])
