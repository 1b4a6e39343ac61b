"""Listing jobs: filters, orders, and pages by key, so that page 2,000 costs what page 1 costs."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Select, select, tuple_

from palmette_plugins.api.errors import InvalidArgument
from palmette_protos.v1 import job_pb2
from palmette_services.runtime.jobs.states import JobState
from palmette_services.runtime.jobs.tables import JobRow, LabelRow

_ORDERS = {"create_time": JobRow.create_time_us, "end_time": JobRow.end_time_us, "priority": JobRow.priority}
_TEXT_FILTERS = {"plugin": JobRow.plugin, "user": JobRow.user, "parent": JobRow.parent}
_CONDITION = re.compile(r"\s*([a-z_]+(?:\.[A-Za-z0-9._/-]+)?)\s*=\s*(.*?)\s*")
_DEFAULT_PAGE, _LARGEST_PAGE = 50, 1000


@dataclass(frozen=True)
class JobQuery:
    """A parsed ListJobs request: `after` is the key of the last job of the page before."""

    conditions: tuple[ColumnElement[bool], ...]
    order: str
    descending: bool
    size: int
    after: tuple[int, str] | None

    @classmethod
    def parse(cls, request: job_pb2.ListJobsRequest) -> JobQuery:
        """Parse and check a request; raise `InvalidArgument` naming the field."""
        if request.page_size < 0:
            raise InvalidArgument.field("page_size", "must not be negative")
        order, descending = _order(request.order_by)
        return cls(
            conditions=tuple(_condition(text) for text in _split(request.filter)),
            order=order,
            descending=descending,
            size=min(request.page_size or _DEFAULT_PAGE, _LARGEST_PAGE),
            after=_decode_token(request.page_token, f"{request.filter}|{request.order_by}"),
        )

    def statement(self) -> Select[Any]:
        """Return the query for this page and one job more, which tells whether another page follows."""
        column = _ORDERS[self.order]
        statement = select(JobRow.__table__).where(*self.conditions)
        if self.order == "end_time":
            statement = statement.where(JobRow.end_time_us.is_not(None))
        if self.after is not None:
            key, last = tuple_(column, JobRow.id), tuple_(*self.after)
            statement = statement.where(key < last if self.descending else key > last)
        keys = (column, JobRow.id)
        return statement.order_by(*(key.desc() if self.descending else key.asc() for key in keys)).limit(self.size + 1)

    def token(self, row: Any, request: job_pb2.ListJobsRequest) -> str:
        """Return the token of the page that follows `row`."""
        key = getattr(row, _ORDERS[self.order].key)
        token = orjson.dumps([key, row.id, f"{request.filter}|{request.order_by}"])
        return base64.urlsafe_b64encode(token).decode()


def _decode_token(token: str, query: str) -> tuple[int, str] | None:
    if not token:
        return None
    try:
        key, job_id, made_for = orjson.loads(base64.urlsafe_b64decode(token.encode()))
        after = (int(key), str(job_id))
    except (ValueError, TypeError, binascii.Error):
        raise InvalidArgument.field("page_token", "is not a token that this service gave out") from None
    if made_for != query:
        raise InvalidArgument.field("page_token", "belongs to another filter or order; start again without a token")
    return after


def _order(text: str) -> tuple[str, bool]:
    words = text.split() or ["create_time", "desc"]
    if words[0] not in _ORDERS or words[1:] not in ([], ["desc"], ["asc"]):
        raise InvalidArgument.field(
            "order_by", f"'{text}' is not an order: {', '.join(_ORDERS)}, each optionally followed by desc"
        )
    return words[0], words[1:] == ["desc"]


def _split(text: str) -> list[str]:
    return [part for part in re.split(r"\s+AND\s+", text.strip()) if part]


def _condition(text: str) -> ColumnElement[bool]:
    match = _CONDITION.fullmatch(text)
    if match is None:
        raise InvalidArgument.field(
            "filter", f"'{text}' is not a condition such as state=RUNNING or labels.team=vision"
        )
    name, values = match[1], [value.strip().strip('"') for value in match[2].split(",")]
    if name == "state":
        return JobRow.state.in_([_state(value) for value in values])
    if name in _TEXT_FILTERS:
        return _TEXT_FILTERS[name].in_(values)
    if name.startswith("labels."):
        labelled = select(LabelRow.job_id).where(
            LabelRow.key == name.removeprefix("labels."), LabelRow.value.in_(values)
        )
        return JobRow.id.in_(labelled)
    known = ", ".join(["state", *_TEXT_FILTERS, "labels.<key>"])
    raise InvalidArgument.field("filter", f"'{name}' cannot be filtered by; known: {known}")


def _state(text: str) -> int:
    name = text.upper().removeprefix("JOB_STATE_")
    if name not in JobState.__members__:
        raise InvalidArgument.field("filter", f"'{text}' is not a state: {', '.join(JobState.__members__)}")
    return JobState[name].value
