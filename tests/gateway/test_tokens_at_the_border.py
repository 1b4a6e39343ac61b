"""Tokens as Envoy judges them, for gRPC and for JSON, and what becomes of a caller's claims about himself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import grpc
import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey
from tests.gateway.conftest import Front
from tests.gateway.harness.gateway import RunningGateway

from palmette_gateway.access.roles import Role
from palmette_gateway.access.signing_key import load_or_create
from palmette_gateway.access.tokens import AUDIENCE, COOKIE, Tokens
from palmette_protos.v1 import token_pb2

IDENTITY = "/palmette.v1.TokenService/GetIdentity"
INSPECT = "/palmette.pruning_growth.v1.PruningGrowthService/InspectModel"


def _expired(gateway: RunningGateway) -> str:
    return gateway.token(lifetime=timedelta(minutes=-5))


def _of_another_suite(gateway: RunningGateway) -> str:
    return Tokens(ECKey.generate_key("P-256")).issue("mallory", Role.ADMIN, timedelta(hours=1))[0]


def _with_a_forged_signature(gateway: RunningGateway) -> str:
    """A token by another key that names this suite's key as its own."""
    header = jwt.decode(gateway.token(), load_or_create(gateway.folder / "auth")).header
    claims = jwt.decode(gateway.token(), load_or_create(gateway.folder / "auth")).claims
    return jwt.encode(header, claims | {"role": "admin"}, ECKey.generate_key("P-256"))


def _unsigned(gateway: RunningGateway) -> str:
    claims = jwt.decode(gateway.token(), load_or_create(gateway.folder / "auth")).claims
    return jwt.encode({"alg": "none"}, claims, ECKey.generate_key("P-256"), algorithms=["none"])


def _for_someone_else(gateway: RunningGateway) -> str:
    key = load_or_create(gateway.folder / "auth")
    good = jwt.decode(gateway.token(), key)
    assert good.claims["aud"] == AUDIENCE
    return jwt.encode(good.header, good.claims | {"aud": "another"}, key)


def _that_never_expires(gateway: RunningGateway) -> str:
    key = load_or_create(gateway.folder / "auth")
    good = jwt.decode(gateway.token(), key)
    return jwt.encode(good.header, {name: value for name, value in good.claims.items() if name != "exp"}, key)


BAD_TOKENS = [
    pytest.param(_expired, "expired", id="expired"),
    pytest.param(_of_another_suite, "key that this suite does not have", id="of another suite"),
    pytest.param(_with_a_forged_signature, "this suite did not issue it", id="forged signature"),
    pytest.param(_unsigned, "not valid", id="unsigned"),
    pytest.param(_for_someone_else, "not valid", id="another audience"),
    pytest.param(_that_never_expires, "never expires", id="no expiry"),
    pytest.param(lambda gateway: "garbage", "not valid", id="garbage"),
]


def test_a_call_without_a_token_is_told_how_to_send_one(gateway: RunningGateway) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        gateway.call(IDENTITY)
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert "no token: send it as metadata 'authorization: Bearer <token>'" in caught.value.details()


@pytest.mark.filterwarnings("ignore:JWS algorithm")
@pytest.mark.parametrize(("make", "text"), BAD_TOKENS)
def test_a_bad_token_is_refused_with_the_reason(front: Front, make: Callable[[RunningGateway], str], text: str) -> None:
    token = make(front.gateway)

    with pytest.raises(grpc.RpcError) as caught:
        front.gateway.call(INSPECT, metadata=(("authorization", f"Bearer {token}"),))
    response = front.gateway.http.get("/v1/identity", headers={"authorization": f"Bearer {token}"})

    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert text in caught.value.details()
    assert response.status_code == 401
    assert response.json()["code"] == 16
    assert text in response.json()["message"]
    assert not front.services["pruning_growth"].calls_of(INSPECT)


@pytest.mark.parametrize("path", ["/v1/identity", "/v1/jobs", "/v1/nothing/there"])
def test_json_without_a_token_is_refused_as_json(gateway: RunningGateway, path: str) -> None:
    response = gateway.http.get(path)
    assert response.status_code == 401
    assert response.headers["content-type"] == "application/json"
    assert response.json()["message"].startswith("no token")
    assert response.json()["details"] == []


def test_the_cookie_is_as_good_as_the_header(gateway: RunningGateway) -> None:
    response = gateway.http.get("/v1/identity", headers={"cookie": f"{COOKIE}={gateway.token(Role.OPERATOR, 'olga')}"})
    assert response.json()["subject"] == "olga"
    assert response.json()["role"] == "ROLE_OPERATOR"


def test_the_upstream_sees_the_tokens_claims_and_not_the_callers(front: Front) -> None:
    forged = (("x-palmette-user", "root"), ("x-palmette-role", "admin"), ("X-Palmette-Role".lower(), "operator"))

    front.gateway.call(INSPECT, metadata=(*front.gateway.metadata(Role.VIEWER, "vera"), *forged))

    (call,) = front.services["pruning_growth"].calls_of(INSPECT)
    assert call.metadata["x-palmette-user"] == "vera"
    assert call.metadata["x-palmette-role"] == "viewer"


def test_a_forged_role_opens_nothing(gateway: RunningGateway) -> None:
    metadata = (*gateway.metadata(Role.VIEWER), ("x-palmette-role", "admin"))
    with pytest.raises(grpc.RpcError) as caught:
        gateway.call("/palmette.v1.TokenService/IssueToken", metadata=metadata)
    assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED


def test_the_control_planes_own_port_believes_tokens_only(gateway: RunningGateway) -> None:
    request = token_pb2.IssueTokenRequest(subject="mallory", role=token_pb2.ROLE_ADMIN).SerializeToString()
    forged = (("x-palmette-user", "root"), ("x-palmette-role", "admin"))
    with grpc.insecure_channel(f"127.0.0.1:{gateway.control_port}") as channel:
        issue = channel.unary_unary("/palmette.v1.TokenService/IssueToken")

        with pytest.raises(grpc.RpcError) as unknown:
            issue(request, metadata=forged, timeout=10)
        with pytest.raises(grpc.RpcError) as viewer:
            issue(request, metadata=gateway.metadata(Role.VIEWER) + forged, timeout=10)

    assert unknown.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert viewer.value.code() is grpc.StatusCode.PERMISSION_DENIED


def test_the_dashboards_own_port_believes_tokens_only(gateway: RunningGateway) -> None:
    forged = {"x-palmette-user": "root", "x-palmette-role": "admin", "accept": "text/html"}
    with httpx.Client(base_url=f"http://127.0.0.1:{gateway.dashboard_port}") as direct:
        assert direct.get("/", headers=forged).status_code == 303
        assert direct.get("/", headers=forged | gateway.headers(Role.VIEWER)).status_code == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_page_of_another_origin_cannot_use_the_cookie(gateway: RunningGateway, site: str) -> None:
    headers = {"cookie": f"{COOKIE}={gateway.token()}", "sec-fetch-site": site}
    response = gateway.http.post("/v1/tokens:issue", headers=headers, content=b'{"subject": "x", "role": "ROLE_ADMIN"}')
    assert response.status_code == 403
    assert response.json()["message"] == "a page of another site may not call the API"


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_a_page_of_the_suite_itself_can(gateway: RunningGateway, site: str) -> None:
    headers = {"cookie": f"{COOKIE}={gateway.token()}", "sec-fetch-site": site}
    assert gateway.http.get("/v1/identity", headers=headers).status_code == 200


def test_services_and_triton_never_see_the_token(front: Front) -> None:
    infer = "/inference.GRPCInferenceService/ModelInfer"
    cookie = ("cookie", f"{COOKIE}={front.gateway.token()}")
    for path in (INSPECT, infer):
        front.gateway.call(path, metadata=(*front.gateway.metadata(), cookie))

    calls = [call for upstream in front.everything for path in (INSPECT, infer) for call in upstream.calls_of(path)]
    assert len(calls) == 2
    for call in calls:
        assert not {"authorization", "cookie"} & call.metadata.keys()
