"""Changes what goes along with every call of a channel, whatever kind of call it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc

Change = Callable[[grpc.aio.ClientCallDetails], grpc.aio.ClientCallDetails]


def changing(change: Change) -> list[grpc.aio.ClientInterceptor]:
    """Interceptors that pass the details of each call through `change`."""
    return [_UnaryUnary(change), _UnaryStream(change), _StreamUnary(change), _StreamStream(change)]


class _Interceptor:
    def __init__(self, change: Change) -> None:
        self._change = change


class _UnaryUnary(_Interceptor, grpc.aio.UnaryUnaryClientInterceptor):
    async def intercept_unary_unary(
        self, continuation: Callable[..., Any], client_call_details: grpc.aio.ClientCallDetails, request: Any
    ) -> Any:
        return await continuation(self._change(client_call_details), request)


class _UnaryStream(_Interceptor, grpc.aio.UnaryStreamClientInterceptor):
    async def intercept_unary_stream(
        self, continuation: Callable[..., Any], client_call_details: grpc.aio.ClientCallDetails, request: Any
    ) -> Any:
        return await continuation(self._change(client_call_details), request)


class _StreamUnary(_Interceptor, grpc.aio.StreamUnaryClientInterceptor):
    async def intercept_stream_unary(
        self, continuation: Callable[..., Any], client_call_details: grpc.aio.ClientCallDetails, request_iterator: Any
    ) -> Any:
        return await continuation(self._change(client_call_details), request_iterator)


class _StreamStream(_Interceptor, grpc.aio.StreamStreamClientInterceptor):
    async def intercept_stream_stream(
        self, continuation: Callable[..., Any], client_call_details: grpc.aio.ClientCallDetails, request_iterator: Any
    ) -> Any:
        return await continuation(self._change(client_call_details), request_iterator)
