"""The life of a job as pure functions: what may follow what, and why.

::

    QUEUED --claim--> RUNNING --finish--> SUCCEEDED | FAILED | CANCELLED
      |                  |
      |                  +--crash, drain--> QUEUED (next attempt), or FAILED after too many crashes
      +--cancel--> CANCELLED
    FAILED | CANCELLED --retry--> QUEUED

Every change is made by compare-and-set on (state, attempt): of two parties that want to move a job, one wins.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from palmette_plugins.api.errors import FailedPrecondition
from palmette_services.runtime.jobs.failures import JobFailure


class JobState(IntEnum):
    """The values of ``palmette.v1.JobState``."""

    QUEUED = 1
    RUNNING = 2
    SUCCEEDED = 3
    FAILED = 4
    CANCELLED = 5

    @property
    def ended(self) -> bool:
        """Whether nothing more happens in this state by itself."""
        return self in _ENDED


_ENDED = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED})
_ALLOWED = {
    JobState.QUEUED: frozenset({JobState.RUNNING, JobState.CANCELLED}),
    JobState.RUNNING: frozenset({JobState.QUEUED, *_ENDED}),
    JobState.SUCCEEDED: frozenset[JobState](),
    JobState.FAILED: frozenset({JobState.QUEUED}),
    JobState.CANCELLED: frozenset({JobState.QUEUED}),
}


@dataclass(frozen=True)
class Transition:
    """A change of state.

    Attributes:
        before: The state that the job must be in.
        after: The state that it gets.
        reason: Why, for a person; shown in the job's history.
        failure: What went wrong, for FAILED.
        crashed: Whether the attempt counts as a crash.
    """

    before: JobState
    after: JobState
    reason: str = ""
    failure: JobFailure | None = None
    crashed: bool = False

    def __post_init__(self) -> None:
        if self.after not in _ALLOWED[self.before]:
            raise ValueError(f"a {self.before.name} job cannot become {self.after.name}")


def on_cancel(state: JobState, reason: str) -> Transition | None:
    """Return what cancelling does at once; None when the job runs (its worker is asked) or has ended."""
    if state is JobState.QUEUED:
        return Transition(JobState.QUEUED, JobState.CANCELLED, reason)
    return None


def on_retry(state: JobState) -> Transition:
    """Return the way back into the queue; raise `FailedPrecondition` where there is none."""
    if state not in (JobState.FAILED, JobState.CANCELLED):
        raise FailedPrecondition(f"only a FAILED or CANCELLED job can be retried; this one is {state.name}")
    return Transition(state, JobState.QUEUED, "retried")


def on_finish(
    reported: JobState, failure: JobFailure | None, *, cancel_reason: str | None, stopping: bool
) -> Transition:
    """Return what a worker's own report leads to.

    Args:
        reported: How the worker says it ended.
        failure: Its error, for FAILED.
        cancel_reason: Why the job was asked to stop; None if nobody asked.
        stopping: Whether it was this service, about to stop, that told the worker to stop.
    """
    if reported is JobState.CANCELLED and cancel_reason is None:
        if stopping:
            return Transition(
                JobState.RUNNING, JobState.QUEUED, "the service stopped; resumes from the last checkpoint"
            )
        return Transition(JobState.RUNNING, JobState.QUEUED, "the worker stopped by itself", crashed=True)
    if reported is JobState.CANCELLED:
        return Transition(JobState.RUNNING, JobState.CANCELLED, cancel_reason or "cancelled")
    if reported is JobState.FAILED:
        failure = failure or JobFailure("the worker reported a failure without a cause", "UnknownError")
        return Transition(JobState.RUNNING, JobState.FAILED, failure.message, failure)
    return Transition(JobState.RUNNING, JobState.SUCCEEDED)


def on_fault(failure: JobFailure, *, cancel_reason: str | None) -> Transition:
    """Return what follows when a worker was ended for what its job did: trying again would end the same way.

    Args:
        failure: What the job did.
        cancel_reason: Why the job was asked to stop; None if nobody asked.
    """
    if cancel_reason is not None:
        return Transition(JobState.RUNNING, JobState.CANCELLED, cancel_reason or "cancelled")
    return Transition(JobState.RUNNING, JobState.FAILED, failure.message, failure)


def on_crash(
    cause: JobFailure, *, crashes: int, most_attempts: int, cancel_reason: str | None, stopping: bool
) -> Transition:
    """Return what the loss of a worker leads to.

    Args:
        cause: What became of the worker, such as ``the worker was killed by SIGKILL``.
        crashes: Crashes of this job before this one.
        most_attempts: Attempts after which the job fails.
        cancel_reason: Why the job was asked to stop; None if nobody asked.
        stopping: Whether it was this service, about to stop, that told the worker to stop.
    """
    if cancel_reason is not None:
        return Transition(JobState.RUNNING, JobState.CANCELLED, cancel_reason or "cancelled")
    if stopping:
        return Transition(JobState.RUNNING, JobState.QUEUED, "the service stopped; resumes from the last checkpoint")
    if crashes + 1 < most_attempts:
        reason = f"{cause.message}; trying again (attempt {crashes + 2} of {most_attempts})"
        return Transition(JobState.RUNNING, JobState.QUEUED, reason, crashed=True)
    attempts = "1 attempt" if most_attempts == 1 else f"{most_attempts} attempts"
    failure = cause.with_message(f"{cause.message} ({attempts}); {cause.advice}")
    return Transition(JobState.RUNNING, JobState.FAILED, failure.message, failure, crashed=True)
