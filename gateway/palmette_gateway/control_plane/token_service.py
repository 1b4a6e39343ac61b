"""palmette.v1.TokenService: issues tokens and says who the caller is."""

from __future__ import annotations

from datetime import timedelta

import structlog
from google.protobuf.timestamp_pb2 import Timestamp

from palmette_gateway.access.roles import Role
from palmette_gateway.access.tokens import LONGEST, Tokens
from palmette_gateway.control_plane.caller import AnyContext, caller
from palmette_gateway.errors import invalid_argument
from palmette_protos.v1 import token_pb2, token_pb2_grpc

DEFAULT = timedelta(days=30)

log = structlog.get_logger(__name__)


class TokenService(token_pb2_grpc.TokenServiceServicer):
    """Who may call is the border's business."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    async def IssueToken(
        self, request: token_pb2.IssueTokenRequest, context: AnyContext
    ) -> token_pb2.IssueTokenResponse:
        """Issue a token; log that it was, never the token."""
        lifetime = request.lifetime.ToTimedelta() if request.HasField("lifetime") else DEFAULT
        if not timedelta(0) < lifetime <= LONGEST:
            raise invalid_argument([("lifetime", f"must be more than 0 and at most {LONGEST.days} days")])
        try:
            role = Role(request.role)
        except ValueError:
            raise invalid_argument([("role", "must be ROLE_VIEWER, ROLE_OPERATOR or ROLE_ADMIN")]) from None
        try:
            token, expires = self._tokens.issue(request.subject, role, lifetime)
        except ValueError as error:
            raise invalid_argument([("subject", str(error))]) from error
        log.info(
            "issued a token", to=request.subject, role=role.claim, expires=expires.isoformat(), by=caller().subject
        )
        response = token_pb2.IssueTokenResponse(token=token)
        response.expire_time.FromDatetime(expires)
        return response

    async def GetIdentity(
        self, request: token_pb2.GetIdentityRequest, context: AnyContext
    ) -> token_pb2.GetIdentityResponse:
        """Say whom the caller's token stands for."""
        identity = caller()
        expires = Timestamp()
        expires.FromDatetime(identity.expires)
        return token_pb2.GetIdentityResponse(subject=identity.subject, role=identity.role.proto, expire_time=expires)
