"""The end of a job's log, for the error of a job whose worker could not send it itself."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from palmette_protos.v1 import job_pb2
from palmette_services.runtime.jobs.tables import EventRow

_LINES = 30
_LOOKED_AT = 200


async def read_log_tail(connection: AsyncConnection, job_id: str, printed: str) -> str:
    """Return the last log lines stored, then the end of what the worker printed, each line once."""
    statement = (
        select(EventRow.payload).where(EventRow.job_id == job_id).order_by(EventRow.sequence.desc()).limit(_LOOKED_AT)
    )
    events = [job_pb2.JobEvent.FromString(payload) for payload in (await connection.execute(statement)).scalars()]
    printed_lines = [line.rstrip() for line in printed.replace("\x00", "").splitlines() if line.strip()][-_LINES:]
    known = set(printed_lines)
    logged = [event.log.text for event in reversed(events) if event.WhichOneof("event") == "log"]
    return "\n".join([*(line for line in logged[-_LINES:] if line not in known), *printed_lines])
