"""gRPC channels from the gateway to what stands behind it."""

from __future__ import annotations

from collections.abc import Sequence

import grpc

from palmette_gateway.addresses import Upstream
from palmette_gateway.settings import Settings

OPTIONS = [
    ("grpc.max_send_message_length", -1),  # the far side says what it takes
    ("grpc.max_receive_message_length", -1),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),  # a restarted service is found again within seconds
    ("grpc.use_local_subchannel_pool", 1),
]


def open_channel(
    address: Upstream, settings: Settings, interceptors: Sequence[grpc.aio.ClientInterceptor] = ()
) -> grpc.aio.Channel:
    """Open a channel; with TLS, and the gateway's certificate if it has one, to a ``grpcs://`` address."""
    if not address.tls:
        return grpc.aio.insecure_channel(address.target, options=OPTIONS, interceptors=interceptors)
    credentials = grpc.ssl_channel_credentials(
        root_certificates=settings.upstream_tls_ca.read_bytes() if settings.upstream_tls_ca else None,
        private_key=settings.upstream_tls_key.read_bytes() if settings.upstream_tls_key else None,
        certificate_chain=settings.upstream_tls_cert.read_bytes() if settings.upstream_tls_cert else None,
    )
    return grpc.aio.secure_channel(address.target, credentials, options=OPTIONS, interceptors=interceptors)
