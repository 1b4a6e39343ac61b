"""Listing jobs: filters, orders, and pages by key, so that page 2,000 costs what page 1 costs."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Select, func, select, tuple_
from sqlalchemy.orm import aliased

from palmette_plugins.api.errors import InvalidArgument
from palmette_protos.v1 import job_pb2
from palmette_services.runtime.jobs.states import JobState
from palmette_services.runtime.jobs.tables import JobRow, LabelRow

# Ids are ULIDs: their order is the order of acceptance, and among equal keys they decide.
_ORDERS: dict[str, tuple[Any, ...]] = {
    "create_time": (JobRow.id,),
    "end_time": (JobRow.end_time_us, JobRow.id),
    "priority": (JobRow.priority, JobRow.id),
}
_TEXT_FILTERS = {"plugin": JobRow.plugin, "user": JobRow.user, "parent": JobRow.parent}
_CONDITION = re.compile(r"\s*([a-z_]+(?:\.[A-Za-z0-9._/-]+)?)\s*=\s*(.*?)\s*")
_DEFAULT_PAGE, _LARGEST_PAGE = 50, 1000


@dataclass(frozen=True)
class _LabelCondition:
    """A label that must have one of the values."""

    key: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class JobQuery:
    """A parsed ListJobs request.

    `after` is the key of the last job of the page before, and `total` the number of jobs on all pages, as it was
    counted for the first one; both None there.
    """

    conditions: tuple[ColumnElement[bool], ...]
    labels: tuple[_LabelCondition, ...]
    order: str
    descending: bool
    size: int
    after: tuple[Any, ...] | None
    total: int | None

    @classmethod
    def parse(cls, request: job_pb2.ListJobsRequest) -> JobQuery:
        """Parse and check a request; raise `InvalidArgument` naming the field."""
        if request.page_size < 0:
            raise InvalidArgument.field("page_size", "must not be negative")
        order, descending = _order(request.order_by)
        conditions = [_condition(text) for text in _split(request.filter)]
        total, *after = _decode_token(request, len(_ORDERS[order])) or (None,)
        return cls(
            conditions=tuple(found for found in conditions if not isinstance(found, _LabelCondition)),
            labels=tuple(found for found in conditions if isinstance(found, _LabelCondition)),
            order=order,
            descending=descending,
            size=min(request.page_size or _DEFAULT_PAGE, _LARGEST_PAGE),
            after=tuple(after) or None,
            total=total,
        )

    def statement(self) -> Select[Any]:
        """Return the query for this page and one job more, which tells whether another page follows."""
        *first, _ = _ORDERS[self.order]
        statement, job_id = self._found(select(JobRow.__table__))
        keys = (*first, job_id)
        if self.after is not None:
            place, last = tuple_(*keys), tuple_(*self.after)
            statement = statement.where(place < last if self.descending else place > last)
        return statement.order_by(*(key.desc() if self.descending else key.asc() for key in keys)).limit(self.size + 1)

    def counting(self) -> Select[Any]:
        """Return the query for the number of jobs on all pages."""
        if len(self.labels) == 1 and not self.conditions and self.order != "end_time":  # its index alone tells
            return select(func.count()).where(*_has(self.labels[0], LabelRow))
        return self._found(select(func.count()).select_from(JobRow))[0]

    def _found(self, statement: Select[Any]) -> tuple[Select[Any], Any]:
        """Return the statement with the filter applied, and the column that holds a job's id."""
        statement, job_id = statement.where(*self.conditions), JobRow.id
        for label in self.labels:
            table = aliased(LabelRow)
            statement = statement.join(table, table.job_id == JobRow.id).where(*_has(label, table))
            job_id = table.job_id  # the same value; its index has it in order, whether the label is rare or common
        if self.order == "end_time":
            statement = statement.where(JobRow.end_time_us.is_not(None))
        return statement, job_id

    def token(self, row: Any, total: int, request: job_pb2.ListJobsRequest) -> str:
        """Return the token of the page that follows `row`; it carries the total, which is counted once."""
        place = [getattr(row, key.key) for key in _ORDERS[self.order]]
        return base64.urlsafe_b64encode(orjson.dumps([_query(request), total, *place])).decode()


def _has(label: _LabelCondition, table: Any) -> tuple[ColumnElement[bool], ...]:
    return (table.key == label.key, table.value.in_(label.values))


def _query(request: job_pb2.ListJobsRequest) -> str:
    """Return what a token is good for."""
    return f"{request.filter}|{request.order_by}"


def _decode_token(request: job_pb2.ListJobsRequest, keys: int) -> tuple[Any, ...] | None:
    """Return the total and the keys of the last job; None for the first page."""
    if not request.page_token:
        return None
    try:
        made_for, *numbers, job_id = orjson.loads(base64.urlsafe_b64decode(request.page_token.encode()))
    except (ValueError, TypeError):
        raise InvalidArgument.field("page_token", "is not a token that this service gave out") from None
    if made_for != _query(request):
        raise InvalidArgument.field("page_token", "belongs to another filter or order; start again without a token")
    if not (len(numbers) == keys and isinstance(job_id, str) and all(isinstance(key, int) for key in numbers)):
        raise InvalidArgument.field("page_token", "is not a token that this service gave out")
    return (*numbers, job_id)


def _order(text: str) -> tuple[str, bool]:
    words = text.split() or ["create_time", "desc"]
    if words[0] not in _ORDERS or words[1:] not in ([], ["desc"], ["asc"]):
        raise InvalidArgument.field(
            "order_by", f"'{text}' is not an order: {', '.join(_ORDERS)}, each optionally followed by desc"
        )
    return words[0], words[1:] == ["desc"]


def _split(text: str) -> list[str]:
    return [part for part in re.split(r"\s+AND\s+", text.strip()) if part]


def _condition(text: str) -> ColumnElement[bool] | _LabelCondition:
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
        return _LabelCondition(name.removeprefix("labels."), tuple(values))
    known = ", ".join(["state", *_TEXT_FILTERS, "labels.<key>"])
    raise InvalidArgument.field("filter", f"'{name}' cannot be filtered by; known: {known}")


def _state(text: str) -> int:
    name = text.upper().removeprefix("JOB_STATE_")
    if name not in JobState.__members__:
        raise InvalidArgument.field("filter", f"'{text}' is not a state: {', '.join(JobState.__members__)}")
    return JobState[name].value
