"""A method that does what no method should."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from palmette_plugins.api import (
    FieldViolation,
    JobCancelled,
    JobContext,
    Kind,
    Method,
    MethodConfig,
    Report,
    Submission,
)


class Misbehaving(Method):
    """Misbehave in one of several ways."""

    kind = Kind.ANALYSE
    inputs: ClassVar[Mapping[str, Any]] = {}
    outputs: ClassVar[Mapping[str, Any]] = {"report": Report}

    class Config(MethodConfig):
        """What to do wrong."""

        how: str = Field(description="the name of a method below")
        seconds: float = Field(1.0, description="for how long")
        size_bytes: int = Field(0, description="how much to write or to allocate")

    def check(self, submission: Submission) -> Iterable[FieldViolation]:
        """Misbehave while being checked."""
        if self.config.how == "check_dies":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.config.how == "check_hangs":
            time.sleep(self.config.seconds)
        if self.config.how == "check_raises":
            raise KeyError("nobody expects this")
        return ()

    def run(self, job: JobContext) -> None:
        """Misbehave."""
        job.metric("started_s", time.time())
        behaviour: Callable[[JobContext], None] = getattr(self, self.config.how)
        behaviour(job)

    def raises(self, job: JobContext) -> None:
        """Raise."""
        job.logger.info("about to fail")
        raise ValueError("the moon is in the wrong place\nand so are the stars")

    def exits(self, job: JobContext) -> None:
        """Leave by sys.exit."""
        sys.exit(3)

    def exits_hard(self, job: JobContext) -> None:
        """Leave without a word."""
        print("last words")
        os._exit(7)

    def kills_itself(self, job: JobContext) -> None:
        """Die by SIGKILL, as by the kernel when memory runs out."""
        os.kill(os.getpid(), signal.SIGKILL)

    def crashes_in_native_code(self, job: JobContext) -> None:
        """Read from address 0."""
        os.write(2, b"native code says goodbye\n")
        ctypes.string_at(0)

    def ignores_cancel(self, job: JobContext) -> None:
        """Never look whether it should stop."""
        time.sleep(self.config.seconds)

    def stops_by_itself(self, job: JobContext) -> None:
        """Claim to be cancelled."""
        raise JobCancelled("because I feel like it")

    def hangs_in_native_code(self, job: JobContext) -> None:
        """Hold the interpreter's lock, so that no thread can send heartbeats."""
        ctypes.PyDLL(None).sleep(int(self.config.seconds))

    def prints(self, job: JobContext) -> None:
        """Print from Python and from native code."""
        print("from Python")
        ctypes.CDLL(None).puts(b"from native code")
        ctypes.CDLL(None).fflush(None)
        print("to standard error", file=sys.stderr)
        job.logger.warning("through the logger")

    def prints_without_end(self, job: JobContext) -> None:
        """Print more than anyone reads."""
        for index in range(200_000):
            print(f"line {index}")

    def leaves_a_child(self, job: JobContext) -> None:
        """Start a process and forget it."""
        pid = os.fork()
        if pid == 0:
            time.sleep(self.config.seconds)
            os._exit(0)
        job.metric("child_pid", pid)

    def allocates(self, job: JobContext) -> None:
        """Fill memory, half of it in a process of its own."""
        pid = os.fork()
        taken = bytearray()
        while len(taken) < self.config.size_bytes // 2:
            taken += b"x" * (8 << 20)
            time.sleep(0.01)
        time.sleep(self.config.seconds)
        if pid == 0:
            os._exit(0)

    def writes(self, job: JobContext) -> None:
        """Write a large artifact."""
        job.save_files({"large.bin": bytes(self.config.size_bytes)}, output="report")

    def fills_checkpoints(self, job: JobContext) -> None:
        """Write a large checkpoint."""
        job.checkpoint.save({"text": "x" * self.config.size_bytes})

    def speaks_strangely(self, job: JobContext) -> None:
        """Report what databases and protobuf do not take."""
        job.progress(0.5, "nul \x00 and half a character \ud800")
        job.metric("not_a_number", float("nan"))
        job.metric("infinite", float("inf"))
        job.logger.info("nul \x00")
        job.figure("large", {"data": "x" * (5 << 20)})
        print("\x00 printed")

    def touches(self, job: JobContext) -> None:
        """Leave a trace in the working directory."""
        Path(job.spec.checkpoint_url).mkdir(parents=True, exist_ok=True)
