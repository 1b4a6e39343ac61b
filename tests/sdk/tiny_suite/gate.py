"""Checks the token, and fails calls on demand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc


class Gate(grpc.ServerInterceptor):
    """`failures` holds, by method name, statuses that the next calls get instead of an answer."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.failures: dict[str, list[tuple[grpc.StatusCode, str]]] = {}
        self.calls: list[str] = []
        self.headers: dict[str, str] = {}

    def intercept_service(
        self, continuation: Callable[[grpc.HandlerCallDetails], Any], details: grpc.HandlerCallDetails
    ) -> Any:
        name = details.method.rpartition("/")[2]
        self.calls.append(name)
        self.headers = {str(key): str(value) for key, value in details.invocation_metadata}
        handler = continuation(details)
        if self.headers.get("authorization") != f"Bearer {self.token}":
            given = "authorization" in self.headers
            return _failing(handler, grpc.StatusCode.UNAUTHENTICATED, "Jwt is expired" if given else "Jwt is missing")
        if self.failures.get(name):
            return _failing(handler, *self.failures[name].pop(0))
        return handler


def _failing(handler: Any, code: grpc.StatusCode, message: str) -> Any:
    def fail(request: Any, context: grpc.ServicerContext) -> Any:
        context.abort(code, message)

    if handler.request_streaming:
        return grpc.stream_unary_rpc_method_handler(fail)
    if handler.response_streaming:
        return grpc.unary_stream_rpc_method_handler(fail)
    return grpc.unary_unary_rpc_method_handler(fail)
