"""Making a change of state in the database: compare-and-set, with its event, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from palmette_services.runtime.clock import now_us
from palmette_services.runtime.jobs.events import insert_events, state_event
from palmette_services.runtime.jobs.states import JobState, Transition
from palmette_services.runtime.jobs.tables import JobRow

_NO_LEASE = {"lease_expires_us": None, "lease_secret_hash": None, "worker_handle": ""}


async def apply_transition(
    connection: AsyncConnection,
    job_id: str,
    attempt: int,
    transition: Transition,
    columns: Mapping[str, Any] | None = None,
) -> bool:
    """Make the change if the job is still in the state `before` and in `attempt`; tell whether it was made.

    `columns` are set beside those that the new state asks for.
    """
    values = {**_columns_of(transition), **(columns or {})}
    statement = (
        update(JobRow)
        .where(JobRow.id == job_id, JobRow.state == transition.before.value, JobRow.attempt == attempt)
        .values(state=transition.after.value, last_sequence=JobRow.last_sequence + 1, **values)
        .returning(JobRow.last_sequence, JobRow.attempt)
    )
    changed = (await connection.execute(statement)).one_or_none()
    if changed is None:
        return False
    event = state_event(transition.after, transition.reason, changed.attempt)
    await insert_events(connection, job_id, [event], first=changed.last_sequence)
    return True


def _columns_of(transition: Transition) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    if transition.after is not JobState.RUNNING:
        columns |= _NO_LEASE
    if transition.after.ended:
        columns |= {"end_time_us": now_us(), "cancel_requested": False}
        columns["error"] = transition.failure.to_status().SerializeToString() if transition.failure else None
    if transition.after is JobState.SUCCEEDED:
        columns |= {"progress_fraction": 1.0, "progress_eta_s": None}
    if transition.after is JobState.QUEUED:
        columns |= {"end_time_us": None, "error": None, "cancel_requested": False, "cancel_reason": ""}
    if transition.crashed:
        columns["crashes"] = JobRow.crashes + 1
    if transition.before.ended:  # retried by a person: counts from the start
        columns["crashes"] = 0
    return columns
