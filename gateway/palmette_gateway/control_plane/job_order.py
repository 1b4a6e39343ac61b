"""Orders of jobs, the same in every service: by one value, then by the job's id, both in one direction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from google.protobuf.timestamp_pb2 import Timestamp

from palmette_gateway.errors import invalid_argument
from palmette_protos.v1 import job_pb2

Key = tuple[int, str]


def _microseconds(time: Timestamp) -> int:
    return time.ToMicroseconds()


_VALUES: dict[str, Callable[[job_pb2.Job], int]] = {
    "create_time": lambda job: _microseconds(job.create_time),
    "end_time": lambda job: _microseconds(job.end_time),
    "priority": lambda job: job.priority,
}


@dataclass(frozen=True)
class JobOrder:
    """How a list of jobs is ordered."""

    field: str
    descending: bool

    @classmethod
    def parse(cls, text: str) -> JobOrder:
        """Read ListJobsRequest.order_by.

        Raises:
            CallError: INVALID_ARGUMENT.
        """
        words = text.split() or ["create_time", "desc"]
        if words[0] not in _VALUES or words[1:] not in ([], ["asc"], ["desc"]):
            known = ", ".join(_VALUES)
            raise invalid_argument([("order_by", f"'{text}' is not one of {known}, optionally followed by ' desc'")])
        return cls(words[0], words[1:] == ["desc"])

    def key(self, job: job_pb2.Job) -> Key:
        """Where a job stands."""
        return _VALUES[self.field](job), job.name.rpartition("/")[2]

    def precedes(self, key: Key, other: Key) -> bool:
        """Whether `key` comes before `other`."""
        return key > other if self.descending else key < other
