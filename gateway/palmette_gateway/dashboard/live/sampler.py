"""One look at the suite, shared by everyone who has the dashboard open."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import structlog

from palmette.errors import PalmetteError
from palmette.types import DeploymentInfo, DeploymentStats, JobInfo
from palmette_gateway.dashboard.calls.deployments import get_stats, list_deployments
from palmette_gateway.dashboard.calls.health import watch_health
from palmette_gateway.dashboard.calls.jobs import list_jobs
from palmette_gateway.dashboard.live.history import History
from palmette_gateway.dashboard.live.snapshot import DeploymentsNow, HealthNow, JobsNow
from palmette_gateway.dashboard.ports import SuiteApi

WATCHED_S = 1.0
IDLE_S = 5.0
_MOST_RUNNING = 50
_MOST_RECENT = 8
_LOG = structlog.get_logger(__name__)


class Sampler:
    """Asks the suite once a second while someone looks, seldom while nobody does, and wakes the open pages.

    `run` is its only task; whoever starts it cancels it. `jobs`, `deployments` and `health` are the last answers.
    """

    def __init__(self, suite: SuiteApi) -> None:
        self._suite = suite
        self._subscribers: set[asyncio.Event] = set()
        self._watched = asyncio.Event()
        self._health_known = asyncio.Event()
        self._sampled_at = {"jobs": 0.0, "deployments": 0.0}
        self._locks = {"jobs": asyncio.Lock(), "deployments": asyncio.Lock()}
        self.ending = False
        self.history = History()
        self.jobs = JobsNow()
        self.deployments = DeploymentsNow()
        self.health = HealthNow(problem="The gateway was not asked yet.")

    @contextmanager
    def subscribe(self) -> Iterator[asyncio.Event]:
        """Give an event that is set whenever something may have changed."""
        wake = asyncio.Event()
        self._subscribers.add(wake)
        self._watched.set()
        try:
            yield wake
        finally:
            self._subscribers.discard(wake)
            if not self._subscribers:
                self._watched.clear()

    def end_streams(self) -> None:
        """Let every open page's stream end, so that the server need not wait for them; browsers come back."""
        self.ending = True
        self._wake()

    async def run(self) -> None:
        """Look at the suite until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow_health())
            group.create_task(self._repeat("jobs"))
            group.create_task(self._repeat("deployments"))

    async def fresh(self) -> None:
        """Return once everything is known and not older than it would be on an open page."""
        await asyncio.gather(self._refresh("jobs"), self._refresh("deployments"), self._await_health())

    async def _await_health(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._health_known.wait(), 2.0)

    async def _repeat(self, what: str) -> None:
        while True:
            await self._refresh(what)
            if self._subscribers:
                await asyncio.sleep(WATCHED_S)
            else:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._watched.wait(), IDLE_S)

    async def _refresh(self, what: str) -> None:
        async with self._locks[what]:
            if time.monotonic() - self._sampled_at[what] < WATCHED_S:
                return
            try:
                await (self._sample_jobs() if what == "jobs" else self._sample_deployments())
            except Exception as error:  # noqa: BLE001 - the border of a background task: it is shown, and tried again
                _LOG.exception("sampling_failed", what=what)
                self._failed(
                    what, f"The answer could not be read ({type(error).__name__}); the gateway's log says more."
                )
            self._sampled_at[what] = time.monotonic()
        self._wake()

    def _failed(self, what: str, problem: str) -> None:
        if what == "jobs":
            self.jobs = JobsNow(problem=problem, known=True)
        else:
            self.deployments = DeploymentsNow(problem=problem, known=True)

    def _wake(self) -> None:
        for wake in self._subscribers:
            wake.set()

    async def _follow_health(self) -> None:
        while True:
            try:
                async for health in watch_health(self._suite):
                    self.health = HealthNow(health)
                    self._health_known.set()
                    self._wake()
                problem = "The gateway's control plane ended the stream of health reports."
            except PalmetteError as error:
                problem = str(error)
            except Exception as error:  # noqa: BLE001 - as in `_refresh`
                _LOG.exception("health_unreadable")
                problem = f"The report could not be read ({type(error).__name__}); the gateway's log says more."
            self.health = HealthNow(problem=problem)
            self._health_known.set()
            self._wake()
            await asyncio.sleep(WATCHED_S)

    async def _sample_jobs(self) -> None:
        try:
            running, queued, recent, failures = pages = await asyncio.gather(
                list_jobs(self._suite, "state=RUNNING", page_size=_MOST_RUNNING),
                list_jobs(self._suite, "state=QUEUED", page_size=_MOST_RECENT, order_by="create_time"),
                list_jobs(self._suite, "state=SUCCEEDED,CANCELLED", page_size=_MOST_RECENT, order_by="end_time desc"),
                list_jobs(self._suite, "state=FAILED", page_size=_MOST_RECENT, order_by="end_time desc"),
            )
        except PalmetteError as error:
            self._failed("jobs", str(error))
            return
        self.jobs = JobsNow(
            running=running.jobs,
            more_running=bool(running.next_page_token),
            queued=queued.jobs,
            more_queued=bool(queued.next_page_token),
            recent=recent.jobs,
            failures=failures.jobs,
            unreachable={service: reason for page in pages for service, reason in page.unreachable.items()},
            known=True,
        )
        self._remember_metrics(running.jobs)

    def _remember_metrics(self, jobs: tuple[JobInfo, ...]) -> None:
        now = time.time()
        for job in jobs:
            for name, value in job.metrics.items():
                self.history.add((job.name, name), now, value)

    async def _sample_deployments(self) -> None:
        try:
            deployments = await list_deployments(self._suite)
        except PalmetteError as error:
            self._failed("deployments", str(error))
            return
        serving = [deployment for deployment in deployments if deployment.serving_version]
        answers = await asyncio.gather(*(self._stats(deployment) for deployment in serving))
        stats = {deployment.name: answer for deployment, answer in zip(serving, answers, strict=True) if answer}
        self.deployments = DeploymentsNow(deployments, stats, known=True)
        self._remember_stats(stats)

    async def _stats(self, deployment: DeploymentInfo) -> DeploymentStats | None:
        """Return the figures, or None: a deployment without figures is still shown."""
        try:
            return await get_stats(self._suite, deployment.name)
        except PalmetteError as error:
            _LOG.info("deployment_without_figures", deployment=deployment.name, cause=str(error))
            return None

    def _remember_stats(self, stats: dict[str, DeploymentStats]) -> None:
        now = time.time()
        for name, figures in stats.items():
            for field in ("requests_per_s", "p50_ms", "p99_ms", "queue_ms", "compute_ms"):
                self.history.add((name, field), now, getattr(figures, field))
        alive = {job.name for job in self.jobs.running} | set(stats)
        self.history.keep(alive)
