"""Ways to ask a process whether it is ready. A probe returns an empty string, or what it is waiting for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import grpc

from palmette.launcher.internal_secret import metadata_with

Probe = Callable[[], Awaitable[str]]
_TIMEOUT_S = 2.0
_LOOKING_TIMEOUT_S = 20.0
_LIST_PLUGINS = "/palmette.v1.PluginService/ListPlugins"
# grpc.health.v1.HealthCheckResponse{status: SERVING}; spelled out so that the SDK does not need that package.
_SERVING = b"\x08\x01"
# inference.ServerReadyResponse{ready: true}
_READY = b"\x08\x01"


def grpc_health(address: str) -> Probe:
    """Return a probe of a gRPC server's health."""

    async def probe() -> str:
        return await _ask(address, "/grpc.health.v1.Health/Check", _SERVING)

    return probe


def service_ready(address: str, secret: Path) -> Probe:
    """Return a probe of a Palmette service: healthy, and done with looking at its plugins, so that jobs can come.

    Args:
        address: Where it listens.
        secret: File with the internal secret that it demands.
    """
    health = grpc_health(address)

    async def probe() -> str:
        # An empty ListPluginsRequest; whatever the service lists, it has looked.
        metadata = metadata_with(secret)
        return await health() or await _ask(address, _LIST_PLUGINS, None, metadata, timeout_s=_LOOKING_TIMEOUT_S)

    return probe


def triton_ready(address: str) -> Probe:
    """Return a probe of Triton's readiness."""

    async def probe() -> str:
        return await _ask(address, "/inference.GRPCInferenceService/ServerReady", _READY)

    return probe


def http_ok(host: str, port: int, path: str) -> Probe:
    """Return a probe of an HTTP page that answers 200."""

    async def probe() -> str:
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                return await _get(host, port, path)
        except (OSError, TimeoutError):
            return "does not answer yet"

    return probe


async def _get(host: str, port: int, path: str) -> str:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        status = (await reader.readline()).split()
    finally:
        writer.close()
    return "" if len(status) > 1 and status[1] == b"200" else "answers, but is not ready"


async def _ask(
    address: str,
    method: str,
    wanted: bytes | None,
    metadata: tuple[tuple[str, str], ...] = (),
    *,
    timeout_s: float = _TIMEOUT_S,
) -> str:
    """Call a method with an empty request; `wanted` None takes any answer."""
    async with grpc.aio.insecure_channel(address) as channel:
        call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(method)
        try:
            answer = await call(b"", metadata=metadata, timeout=timeout_s)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
                return "answers, but is busy starting"
            away = error.code() is grpc.StatusCode.UNAVAILABLE
            return "does not answer yet" if away else f"answers {error.code().name}"
    return "" if wanted is None or answer == wanted else "answers, but is not ready"
