"""The life of a job, as pure functions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from palmette_plugins.api.errors import FailedPrecondition
from palmette_services.runtime.jobs.failures import JobFailure
from palmette_services.runtime.jobs.states import JobState, Transition, on_cancel, on_crash, on_finish, on_retry

CAUSE = JobFailure("the worker was killed by SIGKILL", "WorkerLost", "tail", "buy memory")


@pytest.mark.parametrize("state", JobState)
def test_only_a_queued_job_is_cancelled_at_once(state: JobState) -> None:
    transition = on_cancel(state, "why")
    assert (transition is not None) == (state is JobState.QUEUED)


@pytest.mark.parametrize("state", [JobState.QUEUED, JobState.RUNNING, JobState.SUCCEEDED])
def test_only_failed_and_cancelled_jobs_are_retried(state: JobState) -> None:
    with pytest.raises(FailedPrecondition, match=state.name):
        on_retry(state)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (JobState.SUCCEEDED, JobState.QUEUED),
        (JobState.QUEUED, JobState.SUCCEEDED),
        (JobState.FAILED, JobState.RUNNING),
    ],
)
def test_impossible_changes_cannot_be_written_down(before: JobState, after: JobState) -> None:
    with pytest.raises(ValueError, match="cannot become"):
        Transition(before, after)


@given(crashes=st.integers(0, 10), most=st.integers(1, 10))
def test_crashing_job_is_tried_exactly_as_often_as_allowed(crashes: int, most: int) -> None:
    transition = on_crash(CAUSE, crashes=crashes, most_attempts=most, cancel_reason=None, stopping=False)
    assert (transition.after is JobState.QUEUED) == (crashes + 1 < most)
    assert transition.crashed


def test_last_crash_says_how_often_and_what_to_do() -> None:
    transition = on_crash(CAUSE, crashes=2, most_attempts=3, cancel_reason=None, stopping=False)
    assert transition.reason == "the worker was killed by SIGKILL (3 attempts); buy memory"
    assert transition.failure is not None
    assert transition.failure.log_tail == "tail"


def test_loss_of_a_cancelled_worker_is_the_cancellation() -> None:
    transition = on_crash(CAUSE, crashes=0, most_attempts=1, cancel_reason="stop it", stopping=False)
    assert (transition.after, transition.reason) == (JobState.CANCELLED, "stop it")


def test_stopping_service_puts_jobs_back_without_blame() -> None:
    lost = on_crash(CAUSE, crashes=2, most_attempts=3, cancel_reason=None, stopping=True)
    stopped = on_finish(JobState.CANCELLED, None, cancel_reason=None, stopping=True)
    assert lost.after is stopped.after is JobState.QUEUED
    assert not lost.crashed
    assert not stopped.crashed


def test_finished_in_time_counts_although_a_cancel_was_on_its_way() -> None:
    assert on_finish(JobState.SUCCEEDED, None, cancel_reason="late", stopping=False).after is JobState.SUCCEEDED


def test_failure_survives_the_wire() -> None:
    again = JobFailure.from_status(CAUSE.to_status())
    assert (again.message, again.reason, again.log_tail) == (CAUSE.message, CAUSE.reason, CAUSE.log_tail)
