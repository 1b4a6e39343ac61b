"""The job service as a client sees it: accepting, refusing, listing, deleting."""

from __future__ import annotations

import uuid

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from palmette_test_service.process import ServiceProcess

from palmette_protos.v1 import job_pb2


def refusal(call: object, request: object) -> tuple[grpc.StatusCode, str, list[str]]:
    """Return code, message and the fields with violations of a call that must fail."""
    with pytest.raises(grpc.RpcError) as caught:
        call(request, timeout=60)  # type: ignore[operator]
    status = rpc_status.from_call(caught.value)
    fields: list[str] = []
    for detail in status.details:
        bad = error_details_pb2.BadRequest()
        if detail.Unpack(bad):
            fields = [violation.field for violation in bad.field_violations]
    return caught.value.code(), status.message, fields


def request_for(job: job_pb2.Job, **fields: object) -> job_pb2.SubmitJobRequest:
    """Return a submission to the test service."""
    return job_pb2.SubmitJobRequest(parent="services/testing", job=job, **fields)


def test_required_fields_are_named_all_at_once(shared_service: ServiceProcess) -> None:
    code, _, fields = refusal(shared_service.jobs.SubmitJob, job_pb2.SubmitJobRequest())
    assert code == grpc.StatusCode.INVALID_ARGUMENT
    assert fields == ["parent", "job"]


def test_every_violation_is_reported_at_once(shared_service: ServiceProcess) -> None:
    job = shared_service.job("steps", resources=job_pb2.Resources(gpus=3, nodes=2), steps=-1, step_s=99, nonsense=1)
    job.labels["bad key"] = "x"
    code, _, fields = refusal(shared_service.jobs.SubmitJob, request_for(job, request_id="with space"))
    assert code == grpc.StatusCode.INVALID_ARGUMENT
    assert set(fields) == {
        "request_id",
        "job.labels['bad key']",
        "job.resources.gpus",
        "job.resources.nodes",
        "config.steps",
        "config.step_s",
        "config.nonsense",
    }


def test_check_of_the_method_itself_is_asked(shared_service: ServiceProcess) -> None:
    code, message, fields = refusal(shared_service.jobs.SubmitJob, request_for(shared_service.job("steps", steps=13)))
    assert (code, fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["config.steps"])
    assert "13 is unlucky" in message


def test_unknown_plugin_is_answered_with_the_nearest_names(shared_service: ServiceProcess) -> None:
    code, message, _ = refusal(shared_service.jobs.SubmitJob, request_for(shared_service.job("stepps")))
    assert code == grpc.StatusCode.NOT_FOUND
    assert "did you mean 'steps'?" in message


@pytest.mark.parametrize("plugin", ["broken-import", "deadly-import"])
def test_broken_plugin_is_refused_with_its_error(shared_service: ServiceProcess, plugin: str) -> None:
    code, message, _ = refusal(shared_service.jobs.SubmitJob, request_for(shared_service.job(plugin)))
    assert code == grpc.StatusCode.FAILED_PRECONDITION
    assert f"plugin '{plugin}' is BROKEN" in message


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("check_dies", "its process was killed by SIGKILL"),
        ("check_raises", "KeyError: 'nobody expects this'"),
    ],
)
def test_plugin_that_breaks_the_check_fails_that_submission_alone(
    shared_service: ServiceProcess, how: str, message: str
) -> None:
    code, text, _ = refusal(shared_service.jobs.SubmitJob, request_for(shared_service.job("misbehaving", how=how)))
    assert code == grpc.StatusCode.FAILED_PRECONDITION
    assert message in text
    assert shared_service.wait(shared_service.submit("steps", steps=1)).state == job_pb2.JOB_STATE_SUCCEEDED


def test_same_request_id_gives_the_same_job(shared_service: ServiceProcess) -> None:
    request_id = uuid.uuid4().hex
    names = {shared_service.submit("steps", request_id=request_id, steps=1) for _ in range(3)}
    assert len(names) == 1
    code, message, _ = refusal(
        shared_service.jobs.SubmitJob, request_for(shared_service.job("steps", steps=2), request_id=request_id)
    )
    assert code == grpc.StatusCode.ALREADY_EXISTS
    assert request_id in message


def test_simultaneous_submissions_with_one_request_id_give_one_job(shared_service: ServiceProcess) -> None:
    request = request_for(shared_service.job("steps", steps=1), request_id=uuid.uuid4().hex)
    calls = [shared_service.jobs.SubmitJob.future(request, timeout=60) for _ in range(20)]
    assert len({call.result().job.name for call in calls}) == 1


def test_seed_is_chosen_when_none_is_given(shared_service: ServiceProcess) -> None:
    job = job_pb2.Job(plugin="steps")
    stored = shared_service.jobs.SubmitJob(request_for(job), timeout=60).job
    assert stored.HasField("seed")


def test_validate_only_stores_nothing(shared_service: ServiceProcess) -> None:
    job = shared_service.jobs.SubmitJob(
        request_for(shared_service.job("steps", steps=1), validate_only=True), timeout=60
    ).job
    assert job.plugin == "steps"
    assert not job.name


def test_user_of_the_gateway_is_recorded(shared_service: ServiceProcess) -> None:
    request = request_for(shared_service.job("steps", steps=1))
    job = shared_service.jobs.SubmitJob(request, metadata=[("x-palmette-user", "ada")], timeout=60).job
    assert job.user == "ada"


def test_names_of_jobs_are_checked(shared_service: ServiceProcess) -> None:
    for name in ("nonsense", "services/other/jobs/01ARZ3NDEKTSV4RRFFQ69G5FAV", "services/testing/jobs/../../etc"):
        code, _, fields = refusal(shared_service.jobs.GetJob, job_pb2.GetJobRequest(name=name))
        assert (code, fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["name"])
    missing = job_pb2.GetJobRequest(name="services/testing/jobs/01ARZ3NDEKTSV4RRFFQ69G5FAV")
    assert refusal(shared_service.jobs.GetJob, missing)[0] == grpc.StatusCode.NOT_FOUND
    watched = job_pb2.WatchJobRequest(name=missing.name)
    with pytest.raises(grpc.RpcError) as caught:
        next(shared_service.jobs.WatchJob(watched, timeout=10))
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND


def test_deleting_removes_job_events_and_files(shared_service: ServiceProcess) -> None:
    name = shared_service.submit("steps", steps=1)
    shared_service.wait(name)
    folder = shared_service.folder / "data" / "jobs" / name.rsplit("/", 1)[-1]
    assert folder.exists()
    shared_service.jobs.DeleteJob(job_pb2.DeleteJobRequest(name=name))
    assert refusal(shared_service.jobs.GetJob, job_pb2.GetJobRequest(name=name))[0] == grpc.StatusCode.NOT_FOUND
    assert not folder.exists()


def test_running_and_succeeded_jobs_refuse_what_does_not_fit(shared_service: ServiceProcess) -> None:
    name = shared_service.submit("steps", steps=10_000, step_s=0.01)
    delete, retry = job_pb2.DeleteJobRequest(name=name), job_pb2.RetryJobRequest(name=name)
    shared_service.wait_for_state(name, job_pb2.JOB_STATE_RUNNING)
    for call, request in ((shared_service.jobs.DeleteJob, delete), (shared_service.jobs.RetryJob, retry)):
        assert refusal(call, request)[0] == grpc.StatusCode.FAILED_PRECONDITION
    shared_service.jobs.CancelJob(job_pb2.CancelJobRequest(name=name))
    cancelled = shared_service.wait(name)
    again = shared_service.jobs.CancelJob(job_pb2.CancelJobRequest(name=name)).job
    assert again == cancelled  # an ended job is returned unchanged


def test_queued_job_is_cancelled_at_once_and_higher_priority_runs_first(shared_service: ServiceProcess) -> None:
    busy = [shared_service.submit("steps", steps=10_000, step_s=0.01) for _ in range(2)]
    for name in busy:
        shared_service.wait_for_state(name, job_pb2.JOB_STATE_RUNNING)
    cancelled, low = (shared_service.submit("steps", steps=1) for _ in range(2))
    high = shared_service.submit("steps", steps=1, priority=5)
    job = shared_service.jobs.CancelJob(job_pb2.CancelJobRequest(name=cancelled)).job
    assert job.state == job_pb2.JOB_STATE_CANCELLED
    assert job.attempt == 0
    shared_service.jobs.CancelJob(job_pb2.CancelJobRequest(name=busy[0]))
    assert shared_service.wait(high).start_time.ToNanoseconds() < shared_service.wait(low).start_time.ToNanoseconds()
    shared_service.jobs.CancelJob(job_pb2.CancelJobRequest(name=busy[1]))
    shared_service.wait(busy[1])
