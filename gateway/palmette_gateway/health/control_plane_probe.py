"""The control plane itself: it answers, so what can be wrong is what it could not put in force."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version

from palmette_gateway.health.observation import Kind, Observation, State

NAME = "gateway/control-plane"


class ControlPlaneProbe:
    """Reports the last problem with the endpoints or with Envoy's configuration."""

    def __init__(self) -> None:
        self._version = version("palmette-gateway")
        self._problem = ""

    def report(self, problem: str) -> None:
        """Note what is wrong, for a person; empty when nothing is."""
        self._problem = problem

    async def observe(self) -> Sequence[Observation]:
        """Say what was reported last."""
        state = State.DEGRADED if self._problem else State.HEALTHY
        return [Observation(NAME, Kind.GATEWAY, state, self._problem, self._version)]
