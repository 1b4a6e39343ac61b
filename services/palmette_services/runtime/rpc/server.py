"""The gRPC server of a service."""

from __future__ import annotations

from collections.abc import Sequence

import grpc

from palmette_plugins.api.errors import FailedPrecondition
from palmette_services.runtime.rpc.errors import ErrorInterceptor
from palmette_services.runtime.rpc.gateway_only import GatewayOnly
from palmette_services.runtime.rpc.identity import IdentityInterceptor
from palmette_services.runtime.rpc.internal_secret import InternalSecret
from palmette_services.runtime.rpc.required_fields import RequiredFieldsInterceptor


def make_server(
    max_message_bytes: int,
    first: Sequence[grpc.aio.ServerInterceptor] = (),
    secret: InternalSecret | None = None,
) -> grpc.aio.Server:
    """Return a server with the interceptors in place.

    Args:
        max_message_bytes: Largest message that it takes.
        first: The outermost interceptors.
        secret: What callers must show, where they must.
    """
    gate = [GatewayOnly(secret)] if secret else []
    return grpc.aio.server(
        interceptors=[*first, IdentityInterceptor(), ErrorInterceptor(), *gate, RequiredFieldsInterceptor()],
        options=[
            ("grpc.max_receive_message_length", max_message_bytes),
            ("grpc.max_send_message_length", -1),
            ("grpc.so_reuseport", 0),  # a second service on the same port is an error, not half the traffic
            ("grpc.keepalive_time_ms", 20_000),  # finds clients that vanished without a word
            ("grpc.keepalive_timeout_ms", 10_000),
            ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
            ("grpc.keepalive_permit_without_calls", 1),
        ],
    )


def listen(server: grpc.aio.Server, address: str) -> None:
    """Bind the server; raise `FailedPrecondition` if the address is taken."""
    try:
        bound = server.add_insecure_port(address)
    except RuntimeError:
        bound = 0
    if not bound:
        raise FailedPrecondition(f"cannot listen on {address}: the port is taken; set PALMETTE_LISTEN to a free one")
