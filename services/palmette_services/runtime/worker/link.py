"""The line to the service: survives broken connections and restarts of the service, nothing lost or repeated.

What was sent stays in `_unconfirmed` until the service says that it is stored. A new connection says hello
again and sends all of it again; the service drops what it has. The lease is the other half: a worker that
its service has not heard for `lease_s` ends itself, because another attempt may be started then.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator

import grpc
import psutil
from google.protobuf import timestamp_pb2

from palmette_protos.v1 import job_pb2
from palmette_protos.worker.v1 import worker_pb2, worker_pb2_grpc
from palmette_services.runtime.executors.executor import WorkerLaunch

_MOST_UNCONFIRMED = 10_000
_FINAL = (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.NOT_FOUND)
_BACKOFF_S = (0.05, 0.1, 0.2, 0.5, 1.0)
_log = logging.getLogger(__name__)


class ServiceLink:
    """Talks to the service from threads of its own; the job's thread only appends.

    Attributes:
        stop_reason: Why the job should stop; None while it should go on.
    """

    def __init__(self, launch: WorkerLaunch) -> None:
        self.stop_reason: str | None = None
        self._launch = launch
        self._changed = threading.Condition()
        self._unconfirmed: deque[worker_pb2.RunRequest] = deque()
        self._sequence = 0
        self._finished = False
        self._closed = False
        self._connection = 0
        self._start: worker_pb2.Start | None = None
        self._confirmed_s = time.monotonic()
        self._heartbeats: deque[float] = deque()
        self._threads = [
            threading.Thread(target=self._stay_connected, name="service link", daemon=True),
            threading.Thread(target=self._watch_lease, name="lease", daemon=True),
        ]

    def open(self) -> worker_pb2.Start:
        """Connect; return what to run."""
        for thread in self._threads:
            thread.start()
        with self._changed:
            self._changed.wait_for(lambda: self._start is not None)
            assert self._start is not None
            return self._start

    def send(self, event: job_pb2.JobEvent) -> None:
        """Report an event. Blocks only while thousands are unconfirmed."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._unconfirmed) < _MOST_UNCONFIRMED)
            self._sequence += 1
            report = worker_pb2.WorkerEvent(attempt_sequence=self._sequence, event=event)
            self._unconfirmed.append(worker_pb2.RunRequest(event=report))
            self._changed.notify_all()

    def finish(self, finished: worker_pb2.Finished) -> None:
        """Report the end; returns when the service has stored it."""
        with self._changed:
            finished.attempt_sequence = self._sequence
            self._unconfirmed.append(worker_pb2.RunRequest(finished=finished))
            self._finished = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._closed)

    def _stay_connected(self) -> None:
        failures = 0
        while not self._closed:
            heard = self._connect_once()
            failures = 0 if heard else failures + 1
            if not self._closed:
                time.sleep(_BACKOFF_S[min(failures, len(_BACKOFF_S) - 1)])

    def _connect_once(self) -> bool:
        """Hold one connection until it breaks; tell whether the service answered on it."""
        heard = False
        with grpc.insecure_channel(self._launch.endpoint, options=_OPTIONS) as channel:
            stub = worker_pb2_grpc.WorkerServiceStub(channel)
            with self._changed:
                self._connection += 1
                self._heartbeats.clear()
                connection = self._connection
            try:
                for response in stub.Run(self._requests(connection)):
                    heard = True
                    self._receive(response)
            except grpc.RpcError as error:
                if error.code() in _FINAL:
                    self._give_up(f"the service refused this worker: {error.details()}")
                _log.warning("connection to the service lost: %s %s", error.code(), error.details())
            else:  # the service ended the stream: it has stored how the job ended
                self._closed = self._finished
            with self._changed:
                self._connection += 1  # ends the iterator of requests
                self._changed.notify_all()
        return heard

    def _requests(self, connection: int) -> Iterator[worker_pb2.RunRequest]:
        """Yield what goes up one connection: hello, everything unconfirmed, then news and heartbeats."""
        with self._changed:
            resuming = self._start is not None
        yield worker_pb2.RunRequest(hello=_hello(self._launch, resuming))
        sent: worker_pb2.RunRequest | None = None
        heartbeat_s = time.monotonic()
        while True:
            with self._changed:
                while self._connection == connection and self._next_after(sent) is None:
                    if not self._changed.wait(max(0.0, heartbeat_s - time.monotonic())):
                        break
                if self._connection != connection:
                    return
                request = self._next_after(sent)
                beat = time.monotonic() >= heartbeat_s
                if beat:
                    self._heartbeats.append(time.monotonic())
                    heartbeat_s = time.monotonic() + self._launch.lease_s / 5
            if beat:
                yield worker_pb2.RunRequest(heartbeat=_heartbeat())
            if request is not None:
                sent = request
                yield request

    def _next_after(self, sent: worker_pb2.RunRequest | None) -> worker_pb2.RunRequest | None:
        """Return the first unconfirmed request that this connection has not sent yet."""
        if not self._unconfirmed:
            return None
        if sent is None:
            return self._unconfirmed[0]
        ahead = _position(sent) - _position(self._unconfirmed[0]) + 1
        return self._unconfirmed[max(ahead, 0)] if ahead < len(self._unconfirmed) else None

    def _receive(self, response: worker_pb2.RunResponse) -> None:
        kind = response.WhichOneof("message")
        with self._changed:
            if kind == "start":
                self._start = response.start
                self._confirmed_s = time.monotonic()
            elif kind == "ack":
                self._confirm(response.ack.attempt_sequence)
            elif kind == "cancel":
                self.stop_reason = response.cancel.reason or "cancelled"
            elif kind == "heartbeat":
                # The service heard us at some time after we sent it: counting from then is on the safe side.
                self._confirmed_s = self._heartbeats.popleft()
            self._changed.notify_all()

    def _confirm(self, sequence: int) -> None:
        while self._unconfirmed and _position(self._unconfirmed[0]) <= sequence:
            self._unconfirmed.popleft()

    def _watch_lease(self) -> None:
        while not self._closed:
            time.sleep(self._launch.lease_s / 20)
            if time.monotonic() - self._confirmed_s > self._launch.lease_s:
                self._give_up(f"no word from the service for {self._launch.lease_s:g} s")

    def _give_up(self, why: str) -> None:
        """End this worker and all that it started, at once: the job may belong to another attempt now."""
        print(f"worker stops: {why}", file=sys.stderr, flush=True)
        os.killpg(os.getpgid(0), signal.SIGKILL)


_OPTIONS = [("grpc.max_send_message_length", -1), ("grpc.enable_retries", 0), ("grpc.use_local_subchannel_pool", 1)]


def _position(request: worker_pb2.RunRequest) -> int:
    """Return the place in line; the end comes after every event."""
    if request.WhichOneof("message") == "finished":
        return request.finished.attempt_sequence + 1
    return request.event.attempt_sequence


def _hello(launch: WorkerLaunch, resuming: bool) -> worker_pb2.Hello:
    return worker_pb2.Hello(
        job=launch.job,
        attempt=launch.attempt,
        secret=launch.secret,
        pid=os.getpid(),
        host=socket.gethostname(),
        resuming=resuming,
    )


def _heartbeat() -> worker_pb2.Heartbeat:
    now = timestamp_pb2.Timestamp()
    now.GetCurrentTime()
    return worker_pb2.Heartbeat(time=now, rss_bytes=psutil.Process().memory_info().rss)
