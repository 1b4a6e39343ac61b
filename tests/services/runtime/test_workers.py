"""What becomes of jobs whose methods behave badly, and of those beside them."""

from __future__ import annotations

import time
from collections.abc import Callable

import psutil
import pytest
from google.rpc import code_pb2, error_details_pb2
from palmette_test_service.process import ServiceProcess, eventually

from palmette_protos.v1 import job_pb2


def debug_info(job: job_pb2.Job) -> tuple[str, str]:
    """Return (reason, log tail) of a failed job."""
    info, debug = error_details_pb2.ErrorInfo(), error_details_pb2.DebugInfo()
    assert job.error.details[0].Unpack(info)
    assert job.error.details[1].Unpack(debug)
    return info.reason, debug.detail


def log_lines(events: list[job_pb2.JobEvent]) -> list[tuple[int, str]]:
    """Return severity and text of every log line."""
    return [(event.log.severity, event.log.text) for event in events if event.WhichOneof("event") == "log"]


def runs(pid: int) -> bool:
    """Tell whether a process runs that may not be our child."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_job_reports_everything_and_succeeds(shared_service: ServiceProcess) -> None:
    name = shared_service.submit("steps", steps=3, parts=2)
    job = shared_service.wait(name)
    kinds = {event.WhichOneof("event") for event in shared_service.events(name)}
    assert job.state == job_pb2.JOB_STATE_SUCCEEDED
    assert kinds == {"state", "metric", "progress", "artifact"}
    assert len(job.outputs["parts"].names) == 2
    assert job.outputs["report"].names[0].startswith("artifacts/")
    assert job.progress.fraction == 1.0
    assert job.create_time.ToNanoseconds() <= job.start_time.ToNanoseconds() <= job.end_time.ToNanoseconds()


def test_training_gives_way_to_serving(make_service: Callable[..., ServiceProcess]) -> None:
    """Workers and the process that they are forked from run nicer than the service, by as much as was set."""
    service = make_service(worker_nice=7)
    name, gate = service.submit_held()
    service.wait_until_held(name)
    own = psutil.Process(service.pid).nice()
    worker = service.worker()
    assert worker.nice() == min(19, own + 7)
    assert psutil.Process(worker.ppid()).nice() == min(19, own + 7)
    gate.open()
    assert service.wait(name).state == job_pb2.JOB_STATE_SUCCEEDED


def test_raising_method_fails_with_one_line_class_and_traceback(shared_service: ServiceProcess) -> None:
    job = shared_service.wait(shared_service.submit("misbehaving", how="raises"))
    reason, tail = debug_info(job)
    assert job.state == job_pb2.JOB_STATE_FAILED
    assert job.attempt == 1  # a method's own error is not tried again
    assert job.error.message == "plugin 'misbehaving' raised ValueError: the moon is in the wrong place"
    assert reason == "ValueError"
    assert "about to fail" in tail
    assert "Traceback" in tail


@pytest.mark.parametrize(
    ("how", "message", "in_tail"),
    [
        ("exits", "plugin 'misbehaving' called sys.exit(3)", "SystemExit"),
        ("exits_hard", "the worker ended by itself with exit code 7 (3 attempts)", "last words"),
        ("crashes_in_native_code", "the worker was killed by SIGSEGV (3 attempts); native code", "says goodbye"),
        ("stops_by_itself", "plugin 'misbehaving' raised JobCancelled", "because I feel like it"),
    ],
)
def test_every_way_to_end_badly_is_told(shared_service: ServiceProcess, how: str, message: str, in_tail: str) -> None:
    job = shared_service.wait(shared_service.submit("misbehaving", how=how))
    assert job.state == job_pb2.JOB_STATE_FAILED
    assert message in job.error.message
    assert in_tail in debug_info(job)[1]


def test_bad_job_does_not_touch_the_good_one_beside_it(shared_service: ServiceProcess) -> None:
    good = shared_service.submit("steps", steps=20, step_s=0.02)
    bad = shared_service.submit("misbehaving", how="kills_itself")
    assert shared_service.wait(bad).state == job_pb2.JOB_STATE_FAILED
    assert shared_service.wait(good).state == job_pb2.JOB_STATE_SUCCEEDED
    assert shared_service.get(good).attempt == 1


def test_prints_of_python_and_native_code_become_log_lines(shared_service: ServiceProcess) -> None:
    name = shared_service.submit("misbehaving", how="prints")
    shared_service.wait(name)
    lines = log_lines(shared_service.events(name))
    assert {text for _, text in lines} == {
        "from Python",
        "from native code",
        "to standard error",
        "through the logger",
    }
    assert (job_pb2.LOG_SEVERITY_WARNING, "through the logger") in lines


def test_flood_of_prints_is_cut_and_says_so(shared_service: ServiceProcess) -> None:
    name = shared_service.submit("misbehaving", how="prints_without_end")
    job = shared_service.wait(name)
    texts = [text for _, text in log_lines(shared_service.events(name))]
    log = shared_service.folder / "data" / "jobs" / name.rsplit("/", 1)[-1] / "attempt-1.log"
    assert job.state == job_pb2.JOB_STATE_SUCCEEDED
    assert any("of printed text left out here" in text for text in texts)
    assert texts[-1] == "line 199999"
    assert len(log.read_text().splitlines()) == 200_000


def test_strange_text_and_numbers_pass(shared_service: ServiceProcess) -> None:
    name = shared_service.submit("misbehaving", how="speaks_strangely")
    job = shared_service.wait(name)
    texts = [text for _, text in log_lines(shared_service.events(name))]
    assert job.state == job_pb2.JOB_STATE_SUCCEEDED
    assert job.metrics["not_a_number"] != job.metrics["not_a_number"]
    assert job.metrics["infinite"] == float("inf")
    assert any(text.startswith("figure 'large' left out: 5.0 MiB") for text in texts)
    assert "nul " in texts


def test_cancel_reaches_a_running_job_and_frees_its_slot(shared_service: ServiceProcess) -> None:
    running = [shared_service.submit("steps", steps=10_000, step_s=0.01) for _ in range(2)]
    for name in running:
        eventually(lambda name=name: shared_service.get(name).progress.fraction > 0)
    waiting = shared_service.submit("steps", steps=1)
    assert shared_service.get(waiting).waiting_reason == "waiting for a slot (2 of 2 busy)"
    asked_s = time.monotonic()
    shared_service.jobs.CancelJob(job_pb2.CancelJobRequest(name=running[0], reason="changed my mind"))
    cancelled = shared_service.wait(running[0])
    assert shared_service.wait(waiting).state == job_pb2.JOB_STATE_SUCCEEDED
    took_s = time.monotonic() - asked_s
    shared_service.jobs.CancelJob(job_pb2.CancelJobRequest(name=running[1]))
    assert shared_service.wait(running[1]).state == job_pb2.JOB_STATE_CANCELLED
    assert cancelled.state == job_pb2.JOB_STATE_CANCELLED
    assert not cancelled.cancel_requested
    assert shared_service.events(running[0])[-1].state.reason == "changed my mind"
    assert took_s < 30


def test_method_that_ignores_cancel_is_killed_after_the_grace(shared_service: ServiceProcess) -> None:
    name = shared_service.submit("misbehaving", how="ignores_cancel", seconds=600)
    eventually(lambda: "started_s" in shared_service.get(name).metrics)
    asked = shared_service.jobs.CancelJob(job_pb2.CancelJobRequest(name=name)).job
    job = shared_service.wait(name, within_s=30)
    assert asked.cancel_requested
    assert job.state == job_pb2.JOB_STATE_CANCELLED
    assert job.attempt == 1


def test_cancelled_job_resumes_when_retried(shared_service: ServiceProcess) -> None:
    name, gate = shared_service.submit_held()
    shared_service.wait_until_held(name)
    shared_service.jobs.CancelJob(job_pb2.CancelJobRequest(name=name))
    assert shared_service.wait(name).state == job_pb2.JOB_STATE_CANCELLED
    gate.open()
    shared_service.jobs.RetryJob(job_pb2.RetryJobRequest(name=name))
    job = shared_service.wait(name)
    assert (job.state, job.attempt) == (job_pb2.JOB_STATE_SUCCEEDED, 2)
    steps = [e.metric.step for e in shared_service.events(name) if e.attempt == 2 and e.metric.name == "position"]
    assert steps == list(range(10, 30))


def test_processes_that_a_method_left_behind_are_ended(shared_service: ServiceProcess) -> None:
    job = shared_service.wait(shared_service.submit("misbehaving", how="leaves_a_child", seconds=600))
    child = int(job.metrics["child_pid"])
    assert job.state == job_pb2.JOB_STATE_SUCCEEDED
    assert eventually(lambda: not runs(child), within_s=30)  # it would go on for 600 s


def test_worker_that_cannot_answer_is_replaced_after_its_lease(make_service: object) -> None:
    service = make_service(lease_s=1, max_attempts=1)  # type: ignore[operator]
    job = service.wait(service.submit("misbehaving", how="hangs_in_native_code", seconds=600))
    assert job.state == job_pb2.JOB_STATE_FAILED
    assert job.error.message.startswith("the worker did not answer for 1 s (1 attempt)")
    assert job.error.code == code_pb2.INTERNAL
