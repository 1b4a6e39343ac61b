"""One connection to the gateway: calls with the token, deadlines, retries and typed errors."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message

from palmette.endpoint import Endpoint
from palmette.settings import Settings
from palmette.tracing.calls import CallTracing
from palmette.version import __version__
from palmette.wire.status import error_from
from palmette_protos.data_filtering.v1 import data_filtering_pb2_grpc
from palmette_protos.guided_training.v1 import guided_training_pb2_grpc
from palmette_protos.nas.v1 import nas_pb2_grpc
from palmette_protos.pruning_growth.v1 import pruning_growth_pb2_grpc
from palmette_protos.serving.v1 import deployment_pb2_grpc
from palmette_protos.v1 import artifact_pb2_grpc, job_pb2_grpc, plugin_pb2_grpc, suite_pb2_grpc, token_pb2_grpc

RequestT = TypeVar("RequestT", bound=Message)
ResponseT = TypeVar("ResponseT")
T = TypeVar("T")

MAX_MESSAGE_BYTES = 64 << 20
# A suite that never answered is most likely not running; one that did may be restarting a part.
FIRST_CONTACT_S = 2.0
RECONNECT_S = 30.0
_FIRST_BACKOFF_S = 0.1
_MAX_BACKOFF_S = 2.0
_OPTIONS = [
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", -1),  # the server's limit decides, and says so
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 1000),
    ("grpc.max_reconnect_backoff_ms", 2000),
    ("grpc.keepalive_time_ms", 45_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.primary_user_agent", f"palmette-sdk/{__version__}"),
]
# What a broken connection looks like in the middle of a stream, depending on who broke it.
BROKEN_STREAM = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN})


class Connection:
    """A channel to the gateway with a stub for each service."""

    def __init__(self, endpoint: Endpoint, timeout_s: float) -> None:
        self.endpoint = endpoint
        self.timeout_s = timeout_s
        self.tracing = CallTracing(Settings().otlp_endpoint)
        self._answered = False
        channel = self._channel = _open(endpoint)
        self.jobs = job_pb2_grpc.JobServiceStub(channel)
        self.plugins = plugin_pb2_grpc.PluginServiceStub(channel)
        self.artifacts = artifact_pb2_grpc.ArtifactServiceStub(channel)
        self.deployments = deployment_pb2_grpc.DeploymentServiceStub(channel)
        self.suite = suite_pb2_grpc.SuiteServiceStub(channel)
        self.tokens = token_pb2_grpc.TokenServiceStub(channel)
        self.data_filtering = data_filtering_pb2_grpc.DataFilteringServiceStub(channel)
        self.guided_training = guided_training_pb2_grpc.GuidedTrainingServiceStub(channel)
        self.nas = nas_pb2_grpc.NasServiceStub(channel)
        self.pruning_growth = pruning_growth_pb2_grpc.PruningGrowthServiceStub(channel)

    async def close(self) -> None:
        """Close the channel; calls that still run fail."""
        await self._channel.close()

    def metadata(self, service: str = "") -> tuple[tuple[str, str], ...]:
        """Return the headers of a call: the token, and the service that shall answer (all of them when empty)."""
        headers = []
        if self.endpoint.token:
            headers.append(("authorization", f"Bearer {self.endpoint.token}"))
        if service:
            headers.append(("x-palmette-service", service))
        return tuple(headers)

    async def call(
        self,
        method: grpc.aio.UnaryUnaryMultiCallable[RequestT, ResponseT],
        request: RequestT,
        *,
        service: str = "",
        repeatable: bool = True,
        timeout_s: float = 0.0,
    ) -> ResponseT:
        """Call a method; while the server is away, try again (only if nothing was sent, unless `repeatable`).

        `timeout_s` is the least time that a slow call needs, whatever the client's own limit.
        """

        async def attempt() -> ResponseT:
            with self.tracing.span(request) as trace:
                headers = (*self.metadata(service), *trace)
                return await method(request, timeout=max(timeout_s, self.timeout_s), metadata=headers)

        return await self.retrying(attempt, repeatable=repeatable)

    async def retrying(self, attempt: Callable[[], Awaitable[T]], *, repeatable: bool = True) -> T:
        """Await `attempt()` until it does not fail for want of a server; its last failure comes out, typed."""
        started_s, backoff_s = time.monotonic(), _FIRST_BACKOFF_S
        while True:
            try:
                result = await attempt()
            except grpc.aio.AioRpcError as error:
                patience_s = RECONNECT_S if self._answered else FIRST_CONTACT_S
                worth_it = error.code() is grpc.StatusCode.UNAVAILABLE and (repeatable or _never_sent(error))
                if not worth_it or time.monotonic() - started_s + backoff_s > patience_s:
                    self._answered = self._answered or error.code() is not grpc.StatusCode.UNAVAILABLE
                    raise error_from(error, self.endpoint.address) from None
                await asyncio.sleep(backoff_s)
                backoff_s = min(backoff_s * 2, _MAX_BACKOFF_S)
            else:
                self._answered = True
                return result

    async def stream(
        self,
        method: grpc.aio.UnaryStreamMultiCallable[RequestT, ResponseT],
        next_request: Callable[[], RequestT],
        *,
        service: str = "",
    ) -> AsyncIterator[ResponseT]:
        """Yield a stream's messages; after a break, open it again with `next_request()`, which says from where on.

        Gives up when nothing arrived for `RECONNECT_S` seconds of trying (`FIRST_CONTACT_S` if nothing ever did).
        """
        silent_since_s, backoff_s = time.monotonic(), _FIRST_BACKOFF_S
        while True:
            request = next_request()
            try:
                with self.tracing.span(request) as trace:
                    call = method(request, metadata=(*self.metadata(service), *trace))
                    try:
                        async for message in call:
                            self._answered = True
                            yield message
                            silent_since_s, backoff_s = time.monotonic(), _FIRST_BACKOFF_S
                    finally:
                        call.cancel()
                return
            except grpc.aio.AioRpcError as error:
                patience_s = RECONNECT_S if self._answered else FIRST_CONTACT_S
                if error.code() not in BROKEN_STREAM or time.monotonic() - silent_since_s > patience_s:
                    raise error_from(error, self.endpoint.address) from None
                await asyncio.sleep(backoff_s)
                backoff_s = min(backoff_s * 2, _MAX_BACKOFF_S)


def _never_sent(error: grpc.aio.AioRpcError) -> bool:
    return "failed to connect" in (error.details() or "").lower()


def _open(endpoint: Endpoint) -> grpc.aio.Channel:
    options: list[tuple[str, Any]] = list(_OPTIONS)
    if not endpoint.tls:
        return grpc.aio.insecure_channel(endpoint.address, options=options)
    roots = endpoint.ca_file.read_bytes() if endpoint.ca_file else None
    return grpc.aio.secure_channel(endpoint.address, grpc.ssl_channel_credentials(roots), options=options)
