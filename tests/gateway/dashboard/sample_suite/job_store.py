"""Jobs and their events in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

from ulid import ULID

from palmette_protos.v1 import job_pb2 as pb

ENDED = (pb.JOB_STATE_SUCCEEDED, pb.JOB_STATE_FAILED, pb.JOB_STATE_CANCELLED)


class JobStore:
    """Jobs of several services; every change is an event, as in the real services."""

    def __init__(self) -> None:
        self.jobs: dict[str, pb.Job] = {}
        self.events: dict[str, list[pb.JobEvent]] = {}
        self._changed = asyncio.Condition()
        self.requests: dict[str, str] = {}

    def add(self, service: str, plugin: str, *, age_s: float = 0.0, **fields: object) -> pb.Job:
        """Store a queued job that was submitted `age_s` seconds ago."""
        created = datetime.now(UTC) - timedelta(seconds=age_s)
        name = f"services/{service}/jobs/{ULID.from_datetime(created)}"
        job = pb.Job(name=name, plugin=plugin, state=pb.JOB_STATE_QUEUED, **fields)  # type: ignore[arg-type]
        job.create_time.FromDatetime(created)
        if not job.HasField("seed"):
            job.seed = 7
        self.jobs[name] = job
        self.events[name] = []
        self.put(name, age_s=age_s, state=pb.StateChange(state=pb.JOB_STATE_QUEUED))
        return job

    def put(self, name: str, *, age_s: float = 0.0, **event: object) -> None:
        """Record an event that happened `age_s` seconds ago and change the job by it."""
        job, events = self.jobs[name], self.events[name]
        moment = datetime.now(UTC) - timedelta(seconds=age_s)
        if "state" in event:
            self._enter(job, event["state"], moment)  # type: ignore[arg-type]
        record = pb.JobEvent(sequence=len(events) + 1, attempt=job.attempt, **event)  # type: ignore[arg-type]
        record.time.FromDatetime(moment)
        events.append(record)
        job.last_sequence = record.sequence
        match record.WhichOneof("event"):
            case "progress":
                job.progress.CopyFrom(record.progress)
            case "metric":
                job.metrics[record.metric.name] = record.metric.value
            case "artifact":
                job.outputs[record.artifact.output].names.append(record.artifact.artifact)

    def _enter(self, job: pb.Job, change: pb.StateChange, moment: datetime) -> None:
        job.state = change.state
        if change.state == pb.JOB_STATE_RUNNING:
            job.attempt += 1
            job.start_time.FromDatetime(moment)
            job.waiting_reason = ""
        if change.state in ENDED:
            job.end_time.FromDatetime(moment)
            job.cancel_requested = False

    async def announce(self) -> None:
        """Wake those who watch."""
        async with self._changed:
            self._changed.notify_all()

    async def watch(self, name: str, after: int) -> AsyncIterator[pb.JobEvent]:
        """Yield events after a sequence until the end state."""
        while True:
            events = self.events.get(name, [])
            for event in events[after:]:
                yield event
            after = max(after, len(events))
            if name not in self.jobs or (self.jobs[name].state in ENDED and after == len(self.events[name])):
                return
            async with self._changed:
                await self._changed.wait()

    def find(self, filter_text: str, service: str, order_by: str) -> list[pb.Job]:
        """Return the jobs that fit, in order."""
        field, _, direction = (order_by or "create_time desc").partition(" ")
        fitting = [job for job in self.jobs.values() if self._fits(job, filter_text, service)]
        key = {"priority": lambda job: job.priority}.get(field, lambda job: getattr(job, field).ToNanoseconds())
        return sorted(fitting, key=key, reverse=direction == "desc")

    @staticmethod
    def _fits(job: pb.Job, filter_text: str, service: str) -> bool:
        if service and job.name.split("/")[1] != service:
            return False
        for condition in filter(None, filter_text.split(" AND ")):
            field, _, value = condition.partition("=")
            actual = {
                "state": pb.JobState.Name(job.state).removeprefix("JOB_STATE_"),
                "plugin": job.plugin,
                "user": job.user,
                "parent": job.parent,
            }.get(field, job.labels.get(field.removeprefix("labels."), ""))
            if actual not in value.split(","):
                return False
        return True
