"""The border of every call: who may enter, what is asked for, and how errors leave."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import structlog
from google.rpc import code_pb2
from grpc_status import rpc_status

from palmette_gateway.access.tokens import Tokens
from palmette_gateway.control_plane.caller import AnyContext, authenticate, header
from palmette_gateway.control_plane.metrics import CALL_SECONDS, CALLS, STREAMS
from palmette_gateway.control_plane.required_fields import check_required
from palmette_gateway.errors import CallError, call_error, unavailable

INFRASTRUCTURE = "/grpc."  # health and reflection: no caller, no required fields

log = structlog.get_logger(__name__)


class Border(grpc.aio.ServerInterceptor):
    """Wraps the handlers of all calls but health and reflection."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._streams: set[asyncio.Task[Any]] = set()
        self._draining = False

    def drain(self) -> None:
        """End all streams with UNAVAILABLE, so that their clients open them again elsewhere."""
        self._draining = True
        for task in self._streams:
            task.cancel()

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """Wrap the handler of one call."""
        method = handler_call_details.method
        handler = await continuation(handler_call_details)
        if handler is None or method.startswith(INFRASTRUCTURE):
            return handler
        make, behaviour = (
            (grpc.unary_stream_rpc_method_handler, self._stream(method, handler.unary_stream))
            if handler.response_streaming
            else (grpc.unary_unary_rpc_method_handler, self._unary(method, handler.unary_unary))
        )
        return make(
            behaviour,
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )

    def _unary(self, method: str, behaviour: Any) -> Any:
        async def call(request: Any, context: AnyContext) -> Any:
            with CALL_SECONDS.labels(method).time():
                async with self._crossing(method, request, context):
                    return await behaviour(request, context)

        return call

    def _stream(self, method: str, behaviour: Any) -> Any:
        async def call(request: Any, context: AnyContext) -> AsyncIterator[Any]:
            task = asyncio.current_task()
            assert task is not None  # gRPC runs each call in a task
            self._streams.add(task)
            try:
                with STREAMS.labels(method).track_inprogress():
                    async with self._crossing(method, request, context):
                        async for response in behaviour(request, context):
                            yield response
            finally:
                self._streams.discard(task)

        return call

    @asynccontextmanager
    async def _crossing(self, method: str, request: Any, context: AnyContext) -> AsyncIterator[None]:
        start, code = time.perf_counter(), code_pb2.OK
        structlog.contextvars.bind_contextvars(request_id=header(context, "x-request-id"))
        try:
            authenticate(method, context, self._tokens)
            check_required(request)
            yield
        except CallError as error:
            code = error.status.code
            await context.abort_with_status(rpc_status.to_status(error.status))
        except asyncio.CancelledError:
            code = code_pb2.CANCELLED
            task = asyncio.current_task()
            if not self._draining or task is None:
                raise
            task.uncancel()
            restarting = unavailable("the gateway is restarting: call again", retry_after_s=1)
            await context.abort_with_status(rpc_status.to_status(restarting.status))
        except Exception as error:
            code = code_pb2.INTERNAL  # whatever it is, the caller gets a status and the log the rest
            log.exception("a call failed", method=method)
            internal = call_error(code, f"the gateway failed: {type(error).__name__}; its log has the details")
            await context.abort_with_status(rpc_status.to_status(internal.status))
        finally:
            CALLS.labels(method, code_pb2.Code.Name(code)).inc()
            duration_ms = round((time.perf_counter() - start) * 1000, 1)
            log.debug("call", method=method, code=code_pb2.Code.Name(code), duration_ms=duration_ms)
