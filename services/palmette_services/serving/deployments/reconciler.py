"""Reconciliation: again and again, make what Triton serves what it should serve.

Nothing else changes deployments on Triton. Whatever happens (a request, a crash of Triton or of this service, an
export that ends), the next pass compares what is with what should be and takes the next step.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping

import structlog
from sqlalchemy.exc import SQLAlchemyError

from palmette_plugins.api.errors import FailedPrecondition, PalmetteError, Unavailable
from palmette_services.runtime.jobs.feed import JobFeed
from palmette_services.serving.deployments.conditions import Conditions
from palmette_services.serving.deployments.promotion import Promotion
from palmette_services.serving.deployments.states import Deployment, Step, next_step
from palmette_services.serving.deployments.steps import Steps
from palmette_services.serving.deployments.store import DeploymentStore
from palmette_services.serving.triton.control import TritonControl

_log = structlog.get_logger(__name__)
_LONGEST_BACKOFF = 30  # passes


class Reconciler:
    """Runs one task per deployment that has something to do.

    Attributes:
        conditions: What was last seen of each deployment on Triton.
    """

    def __init__(
        self,
        store: DeploymentStore,
        control: TritonControl,
        promotion: Promotion,
        steps: Steps,
        conditions: Conditions,
        feed: JobFeed,
        period_s: float,
    ) -> None:
        self.conditions = conditions
        self._store = store
        self._control = control
        self._promotion = promotion
        self._steps = steps
        self._feed = feed
        self._period_s = period_s
        self._news = asyncio.Event()
        self._working: dict[str, asyncio.Task[None]] = {}
        self._loaded: Mapping[str, set[int]] | None = None
        self._backoff: dict[str, tuple[int, int]] = {}  # id -> (failures in a row, passes to sit out)

    def wake(self) -> None:
        """Something changed: take a pass now."""
        self._news.set()

    async def run(self) -> None:
        """Reconcile until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                self._news.clear()
                try:
                    await self._pass(group)
                except (PalmetteError, SQLAlchemyError, OSError) as error:
                    _log.warning("a pass failed; the next one tries again", error=str(error))
                try:
                    async with asyncio.timeout(self._period_s):
                        await self._news.wait()
                except TimeoutError:
                    continue

    async def _pass(self, group: asyncio.TaskGroup) -> None:
        problem = await self._observe()
        deployments = await self._store.all()
        for deployment in deployments:
            if deployment.id in self._working:
                continue
            self._look_at(deployment, problem)
            if self._due(deployment):
                task = group.create_task(self._work(deployment.id), name=f"deployment {deployment.id}")
                self._working[deployment.id] = task
        if problem is None:
            await self._tidy()

    async def _observe(self) -> Unavailable | None:
        """Look at Triton; return why it cannot be looked at."""
        try:
            loaded: defaultdict[str, set[int]] = defaultdict(set)
            for item in await self._control.index():
                if item.state == "READY":
                    loaded[item.model].add(item.version)
            self._loaded = loaded
        except PalmetteError as error:
            if self._loaded is not None:
                _log.warning("triton does not answer", error=str(error))
            self._loaded = None
            return error if isinstance(error, Unavailable) else Unavailable(str(error))
        return None

    def _look_at(self, deployment: Deployment, problem: Unavailable | None) -> None:
        """Note whether Triton serves a deployment; what a failed step said stays until a step succeeds."""
        if problem is not None:
            self.conditions.set_problem(deployment.id, problem)
        elif deployment.id in self._backoff:
            return
        elif deployment.serving_version in (0, *self._versions(deployment.id)):
            self.conditions.set_live(deployment.id)
        else:
            self.conditions.set_problem(deployment.id, Unavailable("Triton has restarted; the model is loaded again"))

    def _versions(self, name: str) -> set[int]:
        return set() if self._loaded is None else set(self._loaded.get(name, ()))

    def _due(self, deployment: Deployment) -> bool:
        """Tell whether there is something to do now; after failures in a row, fewer and fewer passes try."""
        loaded = None if self._loaded is None else self._versions(deployment.id)
        if next_step(deployment, loaded) is Step.NOTHING:
            self._backoff.pop(deployment.id, None)
            return False
        failures, passes = self._backoff.get(deployment.id, (0, 0))
        if passes > 0:
            self._backoff[deployment.id] = (failures, passes - 1)
        return passes == 0

    async def _tidy(self) -> None:
        """Remove what a crash in the middle of a try-out left."""
        for deployment_id in self._promotion.candidates():
            if deployment_id not in self._working:
                _log.info("removing a cut-off try-out", deployment=deployment_id)
                await self._promotion.remove_candidate(deployment_id)

    async def _work(self, deployment_id: str) -> None:
        """Take steps until there is nothing left to do at once."""
        try:
            while await self._take_step(deployment_id):
                self._feed.publish(deployment_id)
            self._backoff.pop(deployment_id, None)
        except Unavailable as error:
            self.conditions.set_problem(deployment_id, error)
        except Exception as error:  # noqa: BLE001 - one deployment's trouble is not the others'
            if not isinstance(error, PalmetteError):
                _log.exception("unexpected error", deployment=deployment_id)
            known = error if isinstance(error, PalmetteError) else FailedPrecondition(repr(error))
            self.conditions.set_problem(deployment_id, known)
            failures = self._backoff.get(deployment_id, (0, 0))[0] + 1
            self._backoff[deployment_id] = (failures, min(2**failures, _LONGEST_BACKOFF))
        finally:
            del self._working[deployment_id]
            self._feed.publish(deployment_id)

    async def _take_step(self, deployment_id: str) -> bool:
        """Take the next step; tell whether another may follow at once."""
        deployment = await self._store.find(deployment_id)
        if deployment is None:
            return False
        loaded = None if self._loaded is None else set(await self._control.ready_versions(deployment_id))
        step = next_step(deployment, loaded)
        _log.debug("step", deployment=deployment_id, step=step.value)
        match step:
            case Step.DELETE:
                await self._steps.delete(deployment)
                self.conditions.forget(deployment_id)
                return False
            case Step.SUPERSEDE:
                await self._steps.supersede(deployment)
            case Step.RESTORE:
                await self._steps.restore(deployment)
                self.conditions.set_live(deployment_id)
            case Step.EXPORT:
                return await self._steps.export(deployment, self.wake)
            case Step.PROMOTE:
                await self._steps.promote(deployment)
                self.conditions.set_live(deployment_id)
            case Step.NOTHING:
                return False
        return True
