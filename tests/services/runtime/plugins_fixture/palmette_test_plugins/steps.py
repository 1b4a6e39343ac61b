"""A stand-in for training: steps that depend on each other, on the seed and on nothing else, with checkpoints."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import torch
from pydantic import Field

from palmette_plugins.api import FieldViolation, JobContext, Kind, Method, MethodConfig, Report, Submission


class Steps(Method):
    """Walk at random."""

    kind = Kind.TRAIN
    inputs: ClassVar[Mapping[str, Any]] = {}
    outputs: ClassVar[Mapping[str, Any]] = {"report": Report, "parts": list[Report]}

    class Config(MethodConfig):
        """How far to walk."""

        steps: int = Field(5, ge=0, le=100_000, description="steps to take")
        step_s: float = Field(0.0, ge=0, le=10, description="duration of a step in seconds")
        checkpoint_every: int = Field(1, ge=1, description="steps between checkpoints")
        touch: str = Field("", description="file to append a line to at every start")
        hold_at: int = Field(-1, description="step before which to wait")
        gate: str = Field("", description="file whose presence ends the waiting")
        parts: int = Field(0, ge=0, description="artifacts to save besides the report")

    def check(self, submission: Submission) -> Iterable[FieldViolation]:
        """Refuse an unlucky number."""
        if self.config.steps == 13:
            yield FieldViolation("config.steps", "13 is unlucky; take 12 or 14")

    def run(self, job: JobContext) -> None:
        """Walk."""
        job.metric("started_s", time.time())
        if self.config.touch:
            with Path(self.config.touch).open("a") as file:
                file.write(f"{time.time()}\n")
        state = job.checkpoint.restore() or {"step": 0, "position": 0.0}
        for step in range(state["step"], self.config.steps):
            if step == self.config.hold_at:
                self._hold(job)
            state = {"step": step + 1, "position": state["position"] + float(torch.randn(()))}
            job.metric("position", state["position"], step)
            if (step + 1) % self.config.checkpoint_every == 0:
                job.checkpoint.save(state)
            job.progress((step + 1) / self.config.steps, f"step {step + 1}")
            time.sleep(self.config.step_s)
        job.metric("final_position", state["position"])
        job.save_files({"position.txt": str(state["position"]).encode()}, output="report")
        for part in range(self.config.parts):
            job.save_files({"part.txt": str(part).encode()}, output="parts")

    def _hold(self, job: JobContext) -> None:
        job.progress(self.config.hold_at / self.config.steps, "waiting")
        while not Path(self.config.gate).exists():
            job.raise_if_cancelled()
            time.sleep(0.01)
