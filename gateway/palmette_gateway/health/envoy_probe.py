"""Envoy, the gateway's data plane, through its admin interface."""

from __future__ import annotations

import time
from collections.abc import Sequence

import httpx

from palmette_gateway.addresses import Address
from palmette_gateway.health.observation import Kind, Observation, State
from palmette_gateway.health.patience import Patience

NAME = "gateway/envoy"
TIMEOUT_S = 2.0
FIGURES = {
    "http.public.downstream_rq_active": "calls_active",
    "http.public.downstream_cx_active": "connections",
}
TOTAL = "http.public.downstream_rq_total"
UPDATES = {  # statistics of what Envoy follows
    "listener_manager.lds": "listeners",
    "cluster_manager.cds": "clusters",
    "http.public.rds.public": "routes",
}
WANTED = (
    "^(" + "|".join([*FIGURES, TOTAL, *(rf"{update}\.update_(failure|rejected|success)" for update in UPDATES)]) + ")$"
)


class EnvoyProbe:
    """Says whether Envoy serves, how much, and whether it took its newest configuration."""

    def __init__(self, admin: Address) -> None:
        self._client = httpx.AsyncClient(base_url=f"http://{admin.target}", timeout=TIMEOUT_S)
        self._admin = admin
        self._patience = Patience()
        self._last: tuple[float, float] | None = None  # (time in s, calls in total)
        self._updates: dict[str, tuple[int, int]] = {}  # (successes, refusals)
        self._refused: set[str] = set()

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def observe(self) -> Sequence[Observation]:
        """Ask for readiness, version and figures."""
        try:
            info = (await self._client.get("/server_info")).json()
            stats = (await self._client.get("/stats", params={"format": "json", "filter": WANTED})).json()
        except (httpx.HTTPError, ValueError) as error:
            state, reason = self._patience.silent(
                NAME, f"Envoy does not answer at {self._admin} ({type(error).__name__}): see its log, or start it again"
            )
            return [Observation(NAME, Kind.GATEWAY, state, reason)]
        self._patience.answered(NAME)
        values = {entry["name"]: entry["value"] for entry in stats["stats"] if "name" in entry}
        state, reason = self._judge(info["state"], values)
        version = info["version"].split("/")[1]
        return [Observation(NAME, Kind.GATEWAY, state, reason, version, self._figures(values))]

    def _judge(self, envoy_state: str, values: dict[str, int]) -> tuple[State, str]:
        self._note_updates(values)
        if envoy_state != "LIVE":
            return State.DEGRADED, f"Envoy is {envoy_state.lower().replace('_', ' ')}"
        if self._refused:
            what = ", ".join(sorted(self._refused))
            return State.DEGRADED, f"Envoy refused its newest {what} and goes on with the former; its log says why"
        return State.HEALTHY, ""

    def _note_updates(self, values: dict[str, int]) -> None:
        for update, kind in UPDATES.items():
            refusals = [values.get(f"{update}.{outcome}", 0) for outcome in ("update_failure", "update_rejected")]
            now = values.get(f"{update}.update_success", 0), sum(refusals)  # cannot be read, cannot be used
            before = self._updates.get(update)
            if before is not None and now[1] > before[1]:
                self._refused.add(kind)
            elif before is None or now[0] != before[0]:
                self._refused.discard(kind)
            self._updates[update] = now

    def _figures(self, values: dict[str, int]) -> dict[str, float]:
        figures = {name: float(values[stat]) for stat, name in FIGURES.items() if stat in values}
        now, total = time.monotonic(), float(values.get(TOTAL, 0))
        if self._last is not None and total >= self._last[1]:
            figures["calls_per_s"] = round((total - self._last[1]) / (now - self._last[0]), 1)
        self._last = now, total
        return figures
