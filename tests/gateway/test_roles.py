"""Who may call what: the table, and Envoy as it really decides."""

from __future__ import annotations

import grpc
import pytest
from tests.gateway.conftest import Front

from palmette_gateway.access.destinations import CONTROL_PLANE, SHARED, destination
from palmette_gateway.access.methods import Method, methods, rules_by_path
from palmette_gateway.access.roles import Role
from palmette_gateway.access.rules import INTERNAL, RULES
from palmette_gateway.contracts import palmette_descriptors, public_descriptors, services

REFUSED = {grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAUTHENTICATED}


def test_the_table_has_every_method_of_the_contracts() -> None:
    declared = {
        f"/{name}/{method.name}"
        for name, service in services(palmette_descriptors()).items()
        for method in service.method
        if name not in INTERNAL
    }
    assert declared <= rules_by_path().keys()


def test_internal_services_are_neither_in_the_table_nor_among_the_public_descriptors() -> None:
    assert not INTERNAL & RULES.keys()
    assert not INTERNAL & services(public_descriptors()).keys()


@pytest.mark.parametrize(
    ("path", "role"),
    [
        ("/palmette.v1.JobService/GetJob", Role.VIEWER),
        ("/inference.GRPCInferenceService/ModelInfer", Role.VIEWER),
        ("/palmette.v1.JobService/SubmitJob", Role.OPERATOR),
        ("/palmette.v1.JobService/CancelJob", Role.OPERATOR),
        ("/palmette.v1.JobService/RetryJob", Role.OPERATOR),
        ("/palmette.v1.ArtifactService/UploadArtifact", Role.OPERATOR),
        ("/palmette.serving.v1.DeploymentService/CreateDeployment", Role.OPERATOR),
        ("/palmette.serving.v1.DeploymentService/RollbackDeployment", Role.OPERATOR),
        ("/palmette.v1.JobService/DeleteJob", Role.ADMIN),
        ("/palmette.v1.ArtifactService/DeleteArtifact", Role.ADMIN),
        ("/palmette.v1.ArtifactService/CollectGarbage", Role.ADMIN),
        ("/palmette.serving.v1.DeploymentService/DeleteDeployment", Role.ADMIN),
        ("/palmette.v1.TokenService/IssueToken", Role.ADMIN),
    ],
)
def test_each_role_includes_what_the_design_says(path: str, role: Role) -> None:
    assert rules_by_path()[path].role is role


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("method", methods(), ids=lambda method: method.path)
def test_envoy_admits_exactly_the_roles_of_the_table(front: Front, method: Method, role: Role) -> None:
    code, message = _try(front, method, front.gateway.metadata(role))

    assert (code in REFUSED) == (method.rule.role is not None and role < method.rule.role)
    if code in REFUSED:
        assert role.claim in message
        assert method.rule.role is not None
        assert method.rule.role.claim in message


@pytest.mark.parametrize("method", methods(), ids=lambda method: method.path)
def test_without_a_token_only_the_public_methods_answer(front: Front, method: Method) -> None:
    code, _ = _try(front, method, ())
    assert (code is grpc.StatusCode.UNAUTHENTICATED) == (method.rule.role is not None)


@pytest.mark.parametrize(
    "method", [method for method in methods() if method.service not in SHARED], ids=lambda method: method.path
)
def test_each_method_goes_where_it_belongs(front: Front, method: Method) -> None:
    _try(front, method, front.gateway.metadata())

    asked = [upstream.name for upstream in front.everything if upstream.calls_of(method.path)]
    target = destination(method.service)
    assert asked == ([] if target == CONTROL_PLANE else [target])


def _try(front: Front, method: Method, metadata: tuple[tuple[str, str], ...]) -> tuple[grpc.StatusCode, str]:
    """Call with an empty message; return how it ended, or OK at the first message of a stream."""
    channel = front.gateway.channel
    call = channel.stream_stream(method.path)(iter([b""]), metadata=metadata, timeout=10)
    try:
        next(call, None)
        call.cancel()
    except grpc.RpcError as error:
        return error.code(), error.details() or ""
    return grpc.StatusCode.OK, ""
