"""Health and identities."""

from __future__ import annotations

from typing import Any

from palmette_protos.v1 import suite_pb2, suite_pb2_grpc, token_pb2, token_pb2_grpc


class TinyStatus(suite_pb2_grpc.SuiteServiceServicer, token_pb2_grpc.TokenServiceServicer):
    """One healthy part, one that is not; every caller is an admin called tester."""

    def GetHealth(self, request: Any, context: Any) -> suite_pb2.GetHealthResponse:
        part = suite_pb2.Component(
            name="services/retrieval",
            kind=suite_pb2.COMPONENT_KIND_SERVICE,
            state=suite_pb2.HEALTH_STATE_UNHEALTHY,
            reason="it is starting",
        )
        healthy = suite_pb2.Component(
            name="envoy", kind=suite_pb2.COMPONENT_KIND_GATEWAY, state=suite_pb2.HEALTH_STATE_HEALTHY
        )
        return suite_pb2.GetHealthResponse(state=part.state, components=[part, healthy])

    def GetIdentity(self, request: Any, context: Any) -> token_pb2.GetIdentityResponse:
        return token_pb2.GetIdentityResponse(subject="tester", role=token_pb2.ROLE_ADMIN)

    def IssueToken(self, request: Any, context: Any) -> token_pb2.IssueTokenResponse:
        days = request.lifetime.seconds // 86_400
        return token_pb2.IssueTokenResponse(token=f"{request.subject}.{token_pb2.Role.Name(request.role)}.{days}")
