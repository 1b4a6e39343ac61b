"""The errors that Envoy answers with by itself, each with its gRPC status and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass

from google.rpc import code_pb2

OWN_TEXT = "%LOCAL_REPLY_BODY%"


@dataclass(frozen=True)
class LocalReply:
    """One error that arises in Envoy.

    Attributes:
        condition: CEL expression over the call that tells this error from the others.
        grpc_status: Code of google.rpc.Code.
        http_status: Status for callers that do not speak gRPC.
        message: Envoy format string of the text.
    """

    condition: str
    grpc_status: int
    http_status: int
    message: str


def local_replies(max_message_bytes: int) -> list[LocalReply]:
    """All such errors, the specific before the general; the first that fits a call is used."""
    return [*_TOKEN_ERRORS, *_ACCESS_ERRORS, _too_large(max_message_bytes), *_UPSTREAM_ERRORS, *_ROUTING_ERRORS]


def _details(beginning: str) -> str:
    return f"response.code_details.startsWith('{beginning}')"


def _token_error(mark: str, message: str) -> LocalReply:
    condition = f"{_details('jwt_authn_access_denied')} && response.code_details.contains('{mark}')"
    return LocalReply(condition, code_pb2.UNAUTHENTICATED, 401, message)


def _too_large(max_message_bytes: int) -> LocalReply:
    limit_mib = max_message_bytes / (1 << 20)
    return LocalReply(
        "response.code == 413",
        code_pb2.RESOURCE_EXHAUSTED,
        413,
        f"the message is larger than the gateway's limit of {limit_mib:g} MiB: send it in smaller parts, "
        "or raise PALMETTE_MAX_MESSAGE_BYTES",
    )


_TOKEN_ERRORS = [
    _token_error(
        "Jwt_is_missing",
        "no token: send it as metadata 'authorization: Bearer <token>'; `palmette auth` shows and issues tokens",
    ),
    _token_error("Jwt_is_expired", "the token has expired: issue a new one with `palmette auth`"),
    _token_error(
        "Jwt_verification_fails", "the token's signature is wrong or it never expires: this suite did not issue it"
    ),
    _token_error("kid", "the token was signed with a key that this suite does not have"),
    _token_error("", "the token is not valid: %LOCAL_REPLY_BODY%"),
]

_ACCESS_ERRORS = [
    LocalReply(
        _details("rbac_access_denied") + " && 'sec-fetch-site' in request.headers"
        " && request.headers['sec-fetch-site'].endsWith('-site')",
        code_pb2.PERMISSION_DENIED,
        403,
        "a page of another site may not call the API",
    ),
    LocalReply(
        _details("rbac_access_denied"),
        code_pb2.PERMISSION_DENIED,
        403,
        "the role '%REQ(X-PALMETTE-ROLE)%' may not call %PATH(NQ)%: it takes the role "
        "'%METADATA(ROUTE:palmette:role)%'",
    ),
    LocalReply(
        _details("failed_to_inject_credential"),
        code_pb2.UNAVAILABLE,
        503,
        "the gateway cannot read the internal secret that '%METADATA(ROUTE:palmette:destination)%' demands: "
        "whoever runs the suite must let Envoy read the file of PALMETTE_INTERNAL_SECRET_FILE",
    ),
    LocalReply(
        _details("local_rate_limited"),
        code_pb2.RESOURCE_EXHAUSTED,
        429,
        "too many calls from this user: wait a second, then call less often",
    ),
]

_UPSTREAM_ERRORS = [
    LocalReply(
        _details("max_duration_timeout"),
        code_pb2.DEADLINE_EXCEEDED,
        504,
        "no answer within the call's deadline (%DURATION% ms): set a later one, or look at `palmette status`",
    ),
    LocalReply(_details("direct_response") + " && response.code == 503", code_pb2.UNAVAILABLE, 503, OWN_TEXT),
    LocalReply(
        # a body too large to keep could not be sent again
        "response.code == 503 || " + _details("request_payload_exceeded_retry_buffer_limit"),
        code_pb2.UNAVAILABLE,
        503,
        "'%METADATA(ROUTE:palmette:destination)%' does not answer (%RESPONSE_CODE_DETAILS%): try again shortly; "
        "`palmette status` says what is wrong",
    ),
]

_ROUTING_ERRORS = [
    LocalReply(
        _details("direct_response") + " && request.path.startsWith('/v1/')",
        code_pb2.NOT_FOUND,
        404,
        "nothing is at %REQ(:METHOD)% %PATH(NQ)%: see the google.api.http annotations of the API",
    ),
    LocalReply(
        _details("direct_response") + " && response.code == 415",
        code_pb2.UNIMPLEMENTED,
        415,
        "%PATH(NQ)% takes gRPC (content-type application/grpc); the API's JSON form is below /v1/",
    ),
    LocalReply(_details("direct_response"), code_pb2.UNIMPLEMENTED, 404, OWN_TEXT),
    LocalReply(
        _details("path_normalization_failed"),
        code_pb2.INVALID_ARGUMENT,
        400,
        "the path is not valid: names have no slashes in them, escaped ones neither",
    ),
    LocalReply("response.code == 400", code_pb2.INVALID_ARGUMENT, 400, OWN_TEXT),
]
