"""The tables of jobs. Times are microseconds since 1970 (UTC): exact, small and ordered on every database."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, SmallInteger, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from palmette_services.runtime.database.base import Base


class JobRow(Base):
    """One job.

    `submitted` holds the job as it was accepted, a serialised ``palmette.v1.Job``; columns hold what changes
    and what is searched. A RUNNING job is owned by the attempt `attempt` until `lease_expires_us`.
    """

    __tablename__ = "jobs"

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    plugin: Mapped[str] = mapped_column(String(128))
    user: Mapped[str] = mapped_column(String(256))
    parent: Mapped[str] = mapped_column(String(256))
    priority: Mapped[int]
    request_id: Mapped[str | None] = mapped_column(String(128), unique=True)
    request_digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    submitted: Mapped[bytes] = mapped_column(LargeBinary)
    gpus: Mapped[int]
    cpu: Mapped[float]
    memory_bytes: Mapped[int] = mapped_column(BigInteger)

    state: Mapped[int] = mapped_column(SmallInteger)
    attempt: Mapped[int] = mapped_column(default=0)
    crashes: Mapped[int] = mapped_column(default=0)
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    cancel_reason: Mapped[str] = mapped_column(Text, default="")
    create_time_us: Mapped[int] = mapped_column(BigInteger)
    start_time_us: Mapped[int | None] = mapped_column(BigInteger)
    end_time_us: Mapped[int | None] = mapped_column(BigInteger)
    progress_fraction: Mapped[float] = mapped_column(default=0.0)
    progress_message: Mapped[str] = mapped_column(Text, default="")
    progress_eta_s: Mapped[float | None]
    error: Mapped[bytes | None] = mapped_column(LargeBinary)
    last_sequence: Mapped[int] = mapped_column(BigInteger, default=0)
    traceparent: Mapped[str | None] = mapped_column(String(64))  # of the call that submitted it

    lease_owner: Mapped[str] = mapped_column(String(256), default="")
    lease_expires_us: Mapped[int | None] = mapped_column(BigInteger)
    lease_secret_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    worker_handle: Mapped[str] = mapped_column(Text, default="")
    worker_sequence: Mapped[int] = mapped_column(BigInteger, default=0)

    __table_args__ = (
        # Ids are ULIDs: in order of acceptance.
        Index("ix_jobs_queue", "state", text("priority DESC"), "id"),
        Index("ix_jobs_state", "state", "id"),
        Index("ix_jobs_ended", "end_time_us", "id"),
        Index("ix_jobs_priority", "priority", "id"),
        Index("ix_jobs_plugin", "plugin", "id"),
        Index("ix_jobs_user", "user", "id"),
        Index("ix_jobs_parent", "parent", "id"),
    )


def _of_job() -> Mapped[str]:
    return mapped_column(String(26), ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)


class EventRow(Base):
    """One event: `payload` is a serialised ``palmette.v1.JobEvent``."""

    __tablename__ = "job_events"

    job_id: Mapped[str] = _of_job()
    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    payload: Mapped[bytes] = mapped_column(LargeBinary)

    __table_args__ = ({"sqlite_with_rowid": False},)


class OutputRow(Base):
    """One artifact of a job; `position` counts the artifacts of one output."""

    __tablename__ = "job_outputs"

    job_id: Mapped[str] = _of_job()
    output: Mapped[str] = mapped_column(String(128), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    artifact: Mapped[str] = mapped_column(String(96))

    __table_args__ = ({"sqlite_with_rowid": False},)


class MetricRow(Base):
    """The last value of one metric of a job."""

    __tablename__ = "job_metrics"

    job_id: Mapped[str] = _of_job()
    name: Mapped[str] = mapped_column(String(256), primary_key=True)
    value: Mapped[float | None]  # SQLite has no NaN: NULL stands for it

    __table_args__ = ({"sqlite_with_rowid": False},)


class LabelRow(Base):
    """One label of a job."""

    __tablename__ = "job_labels"

    job_id: Mapped[str] = _of_job()
    key: Mapped[str] = mapped_column(String(128), primary_key=True)
    value: Mapped[str] = mapped_column(String(256))

    __table_args__ = (Index("ix_job_labels_key_value", "key", "value", "job_id"), {"sqlite_with_rowid": False})
