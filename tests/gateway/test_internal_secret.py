"""The secret that services know the gateway by: who gets to see it, and who cannot send it."""

from __future__ import annotations

import secrets
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import httpx
import pytest
from tests.gateway.harness.gateway import RunningGateway
from tests.gateway.harness.job_book import JobBook
from tests.gateway.harness.process import start_gateway
from tests.gateway.harness.upstream import Call, Upstream
from tests.gateway.harness.waiting import wait_for

from palmette_gateway.access.roles import Role
from palmette_gateway.access.tokens import COOKIE
from palmette_protos.v1 import job_pb2

HEADER = "x-palmette-internal-secret"
GET_ARTIFACT = "/palmette.v1.ArtifactService/GetArtifact"
LIST_JOBS = "/palmette.v1.JobService/ListJobs"
UPLOAD = "/palmette.v1.ArtifactService/UploadArtifact"
WATCH = "/palmette.v1.JobService/WatchJob"
INFER = "/inference.GRPCInferenceService/ModelInfer"
JOB = "services/serving/jobs/a"


@dataclass
class Guarded:
    """A gateway with an internal secret, before a service and an inference server that note what they are sent."""

    gateway: RunningGateway
    service: Upstream
    triton: Upstream
    file: Path
    secret: str

    def replace(self, text: str) -> None:
        """Replace the file in one step."""
        staged = self.file.with_suffix(".new")
        staged.write_text(text)
        staged.chmod(0o600)
        staged.replace(self.file)

    def shown(self, path: str) -> str | None:
        """What the last call of a method showed the service."""
        return self.service.calls_of(path)[-1].metadata.get(HEADER)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """Start it."""
    folder = tmp_path_factory.mktemp("guarded")
    service, triton = Upstream("serving"), Upstream("triton")
    file, secret = folder / "internal-secret", secrets.token_hex(32)
    guarded = Guarded(None, service, triton, file, secret)  # type: ignore[arg-type]
    guarded.replace(f"{secret}\n")
    settings = {"PALMETTE_INTERNAL_SECRET_FILE": str(file)}
    guarded.gateway = RunningGateway(folder, {"serving": service}, triton, settings)
    yield guarded
    guarded.gateway.stop()
    for upstream in (service, triton):
        upstream.stop()


@pytest.fixture
def guarded(running: Guarded) -> Guarded:
    """The same, with upstreams that have seen nothing yet."""
    for upstream in (running.service, running.triton):
        upstream.calls.clear()
        upstream.answers.clear()
    return running


def test_the_service_is_shown_the_secret_by_every_kind_of_call(guarded: Guarded) -> None:
    gateway, metadata = guarded.gateway, guarded.gateway.metadata(x_palmette_service="serving")
    guarded.service.answers[WATCH] = lambda _call, _context: iter([job_pb2.WatchJobResponse()] * 2)

    gateway.call(GET_ARTIFACT, metadata=metadata)
    gateway.channel.stream_unary(UPLOAD, _registered_method=False)(iter([b"", b""]), metadata=metadata, timeout=15)
    list(gateway.channel.unary_stream(WATCH, _registered_method=False)(b"", metadata=metadata, timeout=15))
    assert gateway.http.get("/v1/artifacts", headers=gateway.headers()).status_code == 200
    web = {"content-type": "application/grpc-web+proto", "x-palmette-service": "serving", "x-grpc-web": "1"}
    assert gateway.http.post(LIST_JOBS, headers=gateway.headers() | web, content=struct.pack(">BI", 0, 0)).is_success

    listed = "/palmette.v1.ArtifactService/ListArtifacts"
    shown = {path: guarded.shown(path) for path in (GET_ARTIFACT, UPLOAD, WATCH, listed, LIST_JOBS)}
    assert shown == dict.fromkeys(shown, guarded.secret)


def test_the_service_is_shown_it_by_the_control_plane_and_the_dashboard(guarded: Guarded) -> None:
    JobBook(guarded.service).add("a", second=1)
    gateway = guarded.gateway
    cookie = {"cookie": f"{COOKIE}={gateway.token(Role.VIEWER, 'vera')}", "accept": "text/html"}

    assert [job["name"] for job in gateway.http.get("/v1/jobs", headers=gateway.headers()).json()["jobs"]] == [JOB]
    assert gateway.http.get("/v1/plugins", headers=gateway.headers()).json()["unreachable"] == {}
    page = gateway.http.get("/artifacts", headers=cookie)
    wait_for(
        lambda: called_by(guarded.service, LIST_JOBS, "gateway"),
        "the control plane looking at the health of the service",
    )

    assert page.status_code == 200
    assert guarded.service.calls_of("/palmette.v1.ArtifactService/ListArtifacts")
    assert {call.metadata.get(HEADER) for call in guarded.service.calls} == {guarded.secret}


def called_by(upstream: Upstream, path: str, user: str) -> list[Call]:
    """The calls of a method in somebody's name."""
    return [call for call in upstream.calls_of(path) if call.metadata["x-palmette-user"] == user]


def test_a_client_sends_neither_the_secret_nor_a_user_of_his_choice(guarded: Guarded) -> None:
    forged = {HEADER.replace("-", "_"): "a" * 64, "x_palmette_user": "root", "x_palmette_role": "admin"}
    gateway = guarded.gateway

    gateway.call(GET_ARTIFACT, metadata=gateway.metadata(Role.VIEWER, "vera", **forged))
    with pytest.raises(grpc.RpcError) as caught:
        gateway.call(UPLOAD, metadata=gateway.metadata(Role.VIEWER, "vera", **forged, **{HEADER: guarded.secret}))
    gateway.call(LIST_JOBS, metadata=gateway.metadata(Role.VIEWER, "vera", **forged))

    (call,) = guarded.service.calls_of(GET_ARTIFACT)
    assert (call.metadata[HEADER], call.metadata["x-palmette-user"]) == (guarded.secret, "vera")
    assert call.metadata["x-palmette-role"] == "viewer"
    assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert called_by(guarded.service, LIST_JOBS, "vera")  # through the control plane, which believes no header
    assert not called_by(guarded.service, LIST_JOBS, "root")


def test_nobody_else_is_shown_the_secret(guarded: Guarded) -> None:
    gateway = guarded.gateway
    gateway.call(INFER, metadata=gateway.metadata(**{HEADER: "a" * 64}))

    (inference,) = guarded.triton.calls_of(INFER)
    assert HEADER not in inference.metadata
    configuration = [path for path in (gateway.folder / "envoy").rglob("*") if path.is_file()]
    assert len(configuration) >= 5
    for path in [*configuration, gateway.envoy.log, gateway.control_plane.log]:
        assert guarded.secret.encode() not in path.read_bytes(), path
    admin = f"http://127.0.0.1:{gateway.admin_port}"
    assert httpx.get(f"{admin}/config_dump").status_code == 403
    assert guarded.secret not in httpx.get(f"{admin}/stats").text


def test_a_new_secret_is_used_without_a_restart(guarded: Guarded) -> None:
    gateway, new = guarded.gateway, secrets.token_hex(32)
    JobBook(guarded.service)

    def shown_by_both() -> set[str | None]:
        gateway.call(GET_ARTIFACT, metadata=gateway.metadata())
        assert gateway.http.get("/v1/jobs", headers=gateway.headers()).is_success
        return {guarded.shown(GET_ARTIFACT), called_by(guarded.service, LIST_JOBS, "tester")[-1].metadata[HEADER]}

    before = shown_by_both()
    guarded.replace(new)
    wait_for(lambda: shown_by_both() == {new}, "the new secret being shown")
    guarded.replace("nonsense")
    still = called_by_control_plane(guarded)
    guarded.replace(f"{guarded.secret}\n")
    wait_for(lambda: shown_by_both() == {guarded.secret}, "the former secret being shown again")

    assert before == {guarded.secret}
    assert still == new


def called_by_control_plane(guarded: Guarded) -> str:
    """What the control plane shows now."""
    assert guarded.gateway.http.get("/v1/jobs", headers=guarded.gateway.headers()).is_success
    return called_by(guarded.service, LIST_JOBS, "tester")[-1].metadata[HEADER]


def test_an_envoy_that_cannot_read_the_secret_says_so_and_sends_nothing(guarded: Guarded) -> None:
    gateway = guarded.gateway
    guarded.replace("")
    gateway.envoy.stop()
    gateway.start_envoy()
    try:
        with pytest.raises(grpc.RpcError) as caught:
            gateway.call(GET_ARTIFACT, metadata=gateway.metadata())
        response = gateway.http.get("/v1/artifacts", headers=gateway.headers())
        sent = guarded.service.calls_of(GET_ARTIFACT)
    finally:
        guarded.replace(f"{guarded.secret}\n")
    wait_for(lambda: gateway.http.get("/v1/artifacts", headers=gateway.headers()).is_success, "the secret being read")

    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert "the internal secret that 'serving' demands" in caught.value.details()
    assert "PALMETTE_INTERNAL_SECRET_FILE" in caught.value.details()
    assert (response.status_code, response.json()["message"]) == (503, caught.value.details())
    assert sent == []


@pytest.mark.parametrize(("content", "cause"), [(None, "No such file"), ("short", "one line of 32 to 512")])
def test_a_secret_that_is_none_keeps_the_gateway_from_starting(
    guarded: Guarded, tmp_path: Path, content: str | None, cause: str
) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_text(content)
    own = {"PALMETTE_INTERNAL_SECRET_FILE": str(file), "PALMETTE_AUTH_DIR": str(tmp_path / "auth")}
    process = start_gateway({**guarded.gateway.environment, **own}, tmp_path / "log")
    wait_for(lambda: not process.alive, "the gateway ending", 30)
    assert process.stop() == 1
    assert str(file) in process.output
    assert cause in process.output
    assert "Traceback" not in process.output


def test_a_secret_that_others_can_read_is_warned_of(guarded: Guarded, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("a" * 64)
    file.chmod(0o644)
    own = {"PALMETTE_INTERNAL_SECRET_FILE": str(file), "PALMETTE_AUTH_DIR": str(tmp_path / "auth")}
    process = start_gateway({**guarded.gateway.environment, **own}, tmp_path / "log")
    wait_for(lambda: not process.alive, "the second gateway failing on the taken port", 30)
    assert "every user of this machine can read the internal secret" in process.output
