"""A pass-through proxy in grpc.aio: what the gateway would be if bytes went through Python. Only for comparison.

python benchmarks/grpc_aio_proxy.py LISTEN UPSTREAM
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import Any

import grpc

UNLIMITED = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]


class PassThrough(grpc.GenericRpcHandler):
    """Passes any call on as bytes."""

    def __init__(self, upstream: grpc.aio.Channel) -> None:
        self._upstream = upstream

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any]:
        """Make the handler of one method."""
        if details.method.endswith("Stream") or "/ModelStream" in details.method:
            return grpc.stream_stream_rpc_method_handler(self._stream(details.method))
        call = self._upstream.unary_unary(details.method)

        async def unary(request: bytes, context: Any) -> bytes:
            return await call(request, timeout=context.time_remaining())

        return grpc.unary_unary_rpc_method_handler(unary)

    def _stream(self, method: str) -> Any:
        call = self._upstream.stream_stream(method)

        async def stream(requests: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
            async for response in call(requests):
                yield response

        return stream


async def main(listen: str, upstream: str) -> None:
    async with grpc.aio.insecure_channel(upstream, options=UNLIMITED) as channel:
        server = grpc.aio.server(options=UNLIMITED)
        server.add_generic_rpc_handlers((PassThrough(channel),))
        server.add_insecure_port(listen)
        await server.start()
        await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:3]))
