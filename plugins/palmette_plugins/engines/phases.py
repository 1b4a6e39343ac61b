"""Phases: what a job of several training runs has finished, and where the running one stands.

A job has one checkpoint. It holds the results of the finished phases and the state of the running one, so
that a resumed method runs its code from the start and every finished phase returns at once.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from palmette_plugins.api.checkpoint import CheckpointFolder

State = dict[str, Any]  # nested tensors and plain values


class Phases:
    """The phases of one job, by name; a name stands for the same work in every attempt."""

    def __init__(self, checkpoints: CheckpointFolder) -> None:
        self._checkpoints = checkpoints

    @cached_property
    def _state(self) -> dict[str, Any]:
        """What the newest checkpoint holds; read once, which also sets the random states."""
        return self._checkpoints.restore() or {"finished": {}, "running": {}}

    def finished(self, phase: str) -> State | None:
        """Return the result that `finish` stored, or None while the phase is not finished."""
        found: State | None = self._state["finished"].get(phase)
        return found

    def running(self, phase: str) -> State | None:
        """Return the state that `save` stored last, or None if the phase has not saved any."""
        found: State | None = self._state["running"].get(phase)
        return found

    def save(self, phase: str, state: State) -> None:
        """Write a checkpoint with `state` as where the running phase stands; only the latest one is kept."""
        self._state["running"] = {phase: state}
        self._checkpoints.save(self._state)
        # What was written need not stay in memory: this attempt goes on from its own.
        self._state["running"] = {}

    def finish(self, phase: str, result: State, *, write: bool = True) -> None:
        """Write a checkpoint with `result` as what the finished phase left.

        Tensors in `result` stay in memory and in every later checkpoint; give copies of what still changes. Of
        several processes of one job only one may `write`.
        """
        self._state["finished"][phase] = result
        self._state["running"] = {}
        if write:
            self._checkpoints.save(self._state)
