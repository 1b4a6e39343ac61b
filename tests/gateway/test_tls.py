"""TLS at the public address, and mutual TLS towards the services."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import httpx
import pytest
from tests.gateway.harness.certificates import Authority
from tests.gateway.harness.gateway import RunningGateway
from tests.gateway.harness.upstream import Upstream
from tests.gateway.harness.waiting import wait_for

from palmette_protos.v1 import job_pb2, job_pb2_grpc, token_pb2, token_pb2_grpc

INSPECT = "/palmette.pruning_growth.v1.PruningGrowthService/InspectModel"


@dataclass
class Secure:
    """A gateway with certificates on both sides."""

    gateway: RunningGateway
    authority: Authority
    upstream: Upstream

    def channel(self) -> grpc.Channel:
        """A channel that trusts the authority."""
        credentials = grpc.ssl_channel_credentials(self.authority.certificate.read_bytes())
        return grpc.secure_channel(f"localhost:{self.gateway.public_port}", credentials)


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secure]:
    """Start it."""
    folder = tmp_path_factory.mktemp("tls")
    authority = Authority(folder)
    public, service, own = (authority.issue(name) for name in ("localhost", "service", "gateway"))
    credentials = grpc.ssl_server_credentials(
        [(service[1].read_bytes(), service[0].read_bytes())],
        root_certificates=authority.certificate.read_bytes(),
        require_client_auth=True,
    )
    upstream = Upstream("pruning_growth", credentials=credentials)
    settings = {
        "PALMETTE_TLS_CERT": str(public[0]),
        "PALMETTE_TLS_KEY": str(public[1]),
        "PALMETTE_UPSTREAM_TLS_CA": str(authority.certificate),
        "PALMETTE_UPSTREAM_TLS_CERT": str(own[0]),
        "PALMETTE_UPSTREAM_TLS_KEY": str(own[1]),
        "PALMETTE_SERVICES": json.dumps({"pruning_growth": f"grpcs://127.0.0.1:{upstream.port}"}),
    }
    gateway = RunningGateway(folder, {}, settings=settings)
    yield Secure(gateway, authority, upstream)
    gateway.stop()
    upstream.stop()


def test_grpc_passes_over_tls_and_mutual_tls(secure: Secure) -> None:
    with secure.channel() as channel:
        inspect = channel.unary_unary(INSPECT)
        wait_for(lambda: _succeeds(inspect, secure), "the certificates are loaded")
    assert secure.upstream.calls_of(INSPECT)[-1].metadata["x-palmette-user"] == "tester"


def test_the_control_plane_reaches_services_over_mutual_tls(secure: Secure) -> None:
    with secure.channel() as channel:
        jobs = job_pb2_grpc.JobServiceStub(channel)
        request = job_pb2.GetJobRequest(name="services/pruning_growth/jobs/a")
        assert jobs.GetJob(request, metadata=secure.gateway.metadata(), timeout=20) == job_pb2.GetJobResponse()


def test_json_passes_over_https(secure: Secure) -> None:
    context = ssl.create_default_context(cafile=str(secure.authority.certificate))
    url = f"https://localhost:{secure.gateway.public_port}/v1/identity"
    assert httpx.get(url, headers=secure.gateway.headers(), verify=context).json()["subject"] == "tester"


def test_plain_text_is_not_spoken_at_a_tls_address(secure: Secure) -> None:
    with pytest.raises(httpx.HTTPError):
        secure.gateway.http.get("/v1/identity", headers=secure.gateway.headers())


def test_a_service_with_another_authority_is_not_believed(secure: Secure, tmp_path: Path) -> None:
    """Someone who takes a service's port gets no call."""
    impostor_authority = Authority(tmp_path)
    cert, key = impostor_authority.issue("service")
    port = secure.upstream.port
    secure.upstream.stop()
    impostor = Upstream("impostor", credentials=grpc.ssl_server_credentials([(key.read_bytes(), cert.read_bytes())]))
    impostor.stop()
    impostor.start(port)
    with secure.channel() as channel, pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary(INSPECT)(b"", metadata=secure.gateway.metadata(), timeout=20)
    impostor.stop()
    secure.upstream.start(port)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert "'pruning_growth' does not answer" in caught.value.details()
    assert not impostor.calls


def test_a_renewed_certificate_is_shown_without_a_restart(secure: Secure) -> None:
    before = _shown_certificate(secure)
    secure.authority.issue("localhost")  # writes over the files in place
    staged = secure.gateway.folder / "localhost-cert.pem"
    staged.rename(staged.with_suffix(".new"))
    staged.with_suffix(".new").rename(staged)  # a move into the folder, as renewers do it
    wait_for(lambda: _shown_certificate(secure) != before, "the new certificate")
    with secure.channel() as channel:
        stub = token_pb2_grpc.TokenServiceStub(channel)
        identity = stub.GetIdentity(token_pb2.GetIdentityRequest(), metadata=secure.gateway.metadata(), timeout=20)
    assert identity.subject == "tester"


def _shown_certificate(secure: Secure) -> str:
    return ssl.get_server_certificate(("127.0.0.1", secure.gateway.public_port))


def _succeeds(method: grpc.UnaryUnaryMultiCallable, secure: Secure) -> bool:
    try:
        method(b"", metadata=secure.gateway.metadata(), timeout=5)
    except grpc.RpcError:
        return False
    return True
