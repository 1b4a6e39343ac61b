"""A real gRPC server that answers any method, as it is told to, and notes what was asked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

Answer = Callable[["Call", grpc.ServicerContext], Any]


@dataclass
class Call:
    """What arrived: the method's path, its metadata and the bytes of each message."""

    path: str
    metadata: dict[str, str]
    messages: list[bytes] = field(default_factory=list)


class Upstream(grpc.GenericRpcHandler):
    """Answers every call with one empty message, unless `answers` says otherwise for its path.

    An answer returns bytes, a message, or an iterator of them for a stream.
    """

    def __init__(
        self,
        name: str,
        *,
        max_message_bytes: int = -1,
        credentials: grpc.ServerCredentials | None = None,
        socket: Path | None = None,
    ) -> None:
        self.name = name
        self._socket = socket
        self.calls: list[Call] = []
        self.answers: dict[str, Answer] = {}
        self._options = [("grpc.max_receive_message_length", max_message_bytes), ("grpc.so_reuseport", 0)]
        self._credentials = credentials
        self._lock = threading.Lock()
        self.port = 0
        self.start()

    def start(self, port: int = 0) -> None:
        """Listen, on a free port or on the one given."""
        self._health = health.HealthServicer()
        self._server = grpc.server(ThreadPoolExecutor(32), options=self._options)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        self._server.add_generic_rpc_handlers((self,))
        address = f"unix:{self._socket}" if self._socket else f"127.0.0.1:{port}"
        if self._credentials is None:
            self.port = self._server.add_insecure_port(address)
        else:
            self.port = self._server.add_secure_port(address, self._credentials)
        self._server.start()

    def stop(self) -> None:
        """End at once, calls in flight too."""
        self._server.stop(None).wait()

    def say_serving(self, serving: bool) -> None:
        """Set what grpc.health.v1 answers."""
        status = health_pb2.HealthCheckResponse
        self._health.set("", status.SERVING if serving else status.NOT_SERVING)

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"unix:{self._socket}" if self._socket else f"127.0.0.1:{self.port}"

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        """Answer a call of any method: a stream of messages serves for all four kinds of calls."""
        call = Call(
            details.method, {key: value for key, value in details.invocation_metadata if isinstance(value, str)}
        )

        def respond(requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
            call.messages.extend(requests)
            with self._lock:
                self.calls.append(call)
            answer = self.answers.get(call.path, lambda _call, _context: b"")(call, context)
            for message in [answer] if isinstance(answer, bytes) or hasattr(answer, "SerializeToString") else answer:
                yield message if isinstance(message, bytes) else message.SerializeToString()

        return grpc.stream_stream_rpc_method_handler(respond)

    def calls_of(self, path: str) -> list[Call]:
        """The calls of one method so far."""
        with self._lock:
            return [call for call in self.calls if call.path == path]
