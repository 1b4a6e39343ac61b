"""The whole API as JSON: every google.api.http annotation, and errors with their details."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import grpc
import pytest
from google.api import annotations_pb2
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status
from tests.gateway.conftest import Front
from tests.gateway.harness.upstream import Call

from palmette_gateway.access.destinations import CONTROL_PLANE, SHARED, destination
from palmette_gateway.contracts import public_descriptors, services
from palmette_protos.pruning_growth.v1 import pruning_growth_pb2
from palmette_protos.v1 import job_pb2

INSPECT = "/palmette.pruning_growth.v1.PruningGrowthService/InspectModel"
JOB = "services/pruning_growth/jobs/01J00000000000000000000000"


@dataclass(frozen=True)
class Binding:
    """One way to call one method as JSON."""

    service: str
    method: str
    verb: str
    template: str

    @property
    def path(self) -> str:
        """The method's gRPC path."""
        return f"/{self.service}/{self.method}"

    @property
    def fields(self) -> dict[str, str]:
        """Values for the fields in the URL, as their patterns want them."""
        patterns = re.findall(r"{(\w+)=([^}]+)}", self.template)
        service = "serving" if destination(self.service) == "serving" else "pruning_growth"
        return {
            name: pattern.replace("services/*", f"services/{service}").replace("*", "abc123")
            for name, pattern in patterns
        }

    @property
    def url(self) -> str:
        """The URL with those values in it."""
        return re.sub(r"{(\w+)=[^}]+}", lambda match: self.fields[match[1]], self.template)


def _bindings() -> Iterator[Binding]:
    for name, service in services(public_descriptors()).items():
        for method in service.method:
            rule = method.options.Extensions[annotations_pb2.http]
            for binding in [rule, *rule.additional_bindings]:
                verb = binding.WhichOneof("pattern")
                if verb is not None:
                    yield Binding(name, method.name, verb.upper(), getattr(binding, verb))


def _request(path: str, call: Call) -> Message:
    """The message that arrived, decoded by the method's own contract."""
    pool = descriptor_pool.DescriptorPool()
    for file in public_descriptors().file:
        pool.Add(descriptor_pb2.FileDescriptorProto.FromString(file.SerializeToString()))
    service, _, method = path[1:].partition("/")
    request_type = pool.FindServiceByName(service).FindMethodByName(method).input_type
    request: Message = message_factory.GetMessageClass(request_type).FromString(call.messages[0])
    return request


FORWARDED = [b for b in _bindings() if b.service in SHARED or destination(b.service) != CONTROL_PLANE]
ANSWERED = [b for b in _bindings() if b not in FORWARDED]


@pytest.mark.parametrize("binding", FORWARDED, ids=lambda b: f"{b.verb} {b.template}")
def test_every_annotated_method_arrives_with_the_fields_of_its_url(front: Front, binding: Binding) -> None:
    body = {"json": {}} if binding.verb == "POST" else {}

    response = front.gateway.http.request(binding.verb, binding.url, headers=front.gateway.headers(), **body)

    calls = [
        call
        for upstream in front.everything
        for call in upstream.calls_of(binding.path)
        if call.metadata["x-palmette-user"] == "tester"
    ]
    required = _refused_for_required_fields(response.status_code, binding)
    assert response.headers["content-type"] == "application/json"
    assert required or response.status_code == 200, response.text
    for call in calls:
        request = _request(binding.path, call)
        for field, value in binding.fields.items():
            assert getattr(request, field) == value
    assert required or calls


def _refused_for_required_fields(status: int, binding: Binding) -> bool:
    """SubmitJob goes through the control plane, which wants its job."""
    return status == 400 and binding.method == "SubmitJob"


@pytest.mark.parametrize("binding", ANSWERED, ids=lambda b: f"{b.verb} {b.template}")
def test_the_gateways_own_methods_answer_json(front: Front, binding: Binding) -> None:
    body = {"json": {"subject": "alice", "role": "ROLE_VIEWER"}} if binding.verb == "POST" else {}
    response = front.gateway.http.request(binding.verb, binding.url, headers=front.gateway.headers(), **body)
    assert response.status_code == 200, response.text
    assert response.json()


def test_a_body_becomes_the_message(front: Front) -> None:
    body = {"job": {"plugin": "random-pruning", "config": {"density": 0.1}, "labels": {"team": "vision"}}}
    submit = "/palmette.v1.JobService/SubmitJob"
    front.services["pruning_growth"].answers[submit] = lambda _call, _context: job_pb2.SubmitJobResponse(
        job=job_pb2.Job(name=JOB, priority=0, attempt=3)
    )

    response = front.gateway.http.post("/v1/services/pruning_growth/jobs", headers=front.gateway.headers(), json=body)

    (call,) = front.services["pruning_growth"].calls_of(submit)
    request = job_pb2.SubmitJobRequest.FromString(call.messages[0])
    assert request.parent == "services/pruning_growth"
    assert request.job.plugin == "random-pruning"
    assert request.job.config["density"] == 0.1
    assert response.json()["job"]["name"] == JOB
    assert response.json()["job"]["attempt"] == 3
    assert response.json()["job"]["priority"] == 0  # what is zero is said, too


def test_query_parameters_become_fields(front: Front) -> None:
    url = "/v1/services/serving/jobs?page_size=7&filter=state%3DRUNNING&orderBy=priority%20desc"
    front.gateway.http.get(url, headers=front.gateway.headers())

    calls = front.services["serving"].calls_of("/palmette.v1.JobService/ListJobs")
    requests = [job_pb2.ListJobsRequest.FromString(call.messages[0]) for call in calls]
    assert (
        job_pb2.ListJobsRequest(
            parent="services/serving", page_size=7, filter="state=RUNNING", order_by="priority desc"
        )
        in requests
    )


def test_a_stream_arrives_as_one_json_object_a_line(front: Front) -> None:
    front.services["pruning_growth"].answers["/palmette.v1.JobService/WatchJob"] = lambda _call, _context: (
        job_pb2.WatchJobResponse(event=job_pb2.JobEvent(sequence=number)) for number in (1, 2, 3)
    )
    response = front.gateway.http.get(f"/v1/{JOB}:watch", headers=front.gateway.headers())
    lines = [line for line in response.text.splitlines() if line]
    assert [re.search(r'"sequence":"(\d)"', line)[1] for line in lines] == ["1", "2", "3"]


def test_methods_without_an_annotation_take_json_at_their_grpc_path(front: Front) -> None:
    path = "/palmette.v1.ArtifactService/GetUploadStatus"
    response = front.gateway.http.post(path, headers=front.gateway.headers(), json={"artifactId": "abc"})
    assert response.status_code == 200
    assert front.services["serving"].calls_of(path)


def test_an_error_keeps_its_details(front: Front) -> None:
    violation = error_details_pb2.BadRequest.FieldViolation(field="config.density", description="must be at most 1")
    status = status_pb2.Status(code=code_pb2.INVALID_ARGUMENT, message="1 violation")
    status.details.add().Pack(error_details_pb2.BadRequest(field_violations=[violation]))

    def refuse(_call: Call, context: grpc.ServicerContext) -> bytes:
        context.abort_with_status(rpc_status.to_status(status))
        raise AssertionError("abort does not return")

    front.services["pruning_growth"].answers[INSPECT] = refuse
    response = front.gateway.http.post(
        "/v1/pruningGrowth:inspectModel", headers=front.gateway.headers(), json={"model": "zoo:x"}
    )

    assert response.status_code == 400
    error = response.json()
    assert error["code"] == 3
    assert error["message"] == "1 violation"
    assert error["details"][0]["@type"] == "type.googleapis.com/google.rpc.BadRequest"
    assert error["details"][0]["fieldViolations"][0]["field"] == "config.density"


@pytest.mark.parametrize(
    ("verb", "url", "content", "status", "code", "text"),
    [
        ("GET", "/v1/nothing/here", None, 404, 5, "nothing is at GET /v1/nothing/here"),
        ("DELETE", "/v1/health", None, 404, 5, "nothing is at DELETE /v1/health"),
        ("GET", "/v1/artifacts?colour=red", None, 400, 3, "colour"),
        ("POST", "/v1/pruningGrowth:inspectModel", b'{"model": ', 400, 3, "Unexpected end"),
        ("POST", "/v1/pruningGrowth:inspectModel", b'{"model": 5}', 400, 3, "model"),
        ("GET", "/v1/artifacts/..%2f..%2fetc", None, 400, 3, "escaped"),
        ("POST", "/palmette.v1.JobService/GetJob", b"{}", 415, 12, "takes gRPC"),
    ],
)
def test_what_is_wrong_with_a_request_is_said_as_json(  # every case of one table
    front: Front, verb: str, url: str, content: bytes | None, status: int, code: int, text: str
) -> None:
    headers = front.gateway.headers() | {"content-type": "application/json"}
    response = front.gateway.http.request(verb, url, headers=headers, content=content)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/json"
    assert response.json()["code"] == code
    assert text in response.json()["message"]


def test_int64_and_bytes_follow_protobufs_json(front: Front) -> None:
    front.services["pruning_growth"].answers[INSPECT] = lambda _call, _context: pruning_growth_pb2.InspectModelResponse(
        parameters=2**53 + 1
    )
    response = front.gateway.http.post(
        "/v1/pruningGrowth:inspectModel", headers=front.gateway.headers(), json={"model": "zoo:x"}
    )
    assert response.json()["parameters"] == str(2**53 + 1)
