"""The steps of a deployment's life, each safe to take again after a crash in its middle."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog
from google.rpc import status_pb2

from palmette_plugins.api.errors import FailedPrecondition, NotFound, PalmetteError, Unavailable
from palmette_protos.v1 import job_pb2
from palmette_services.runtime.jobs.states import JobState
from palmette_services.runtime.rpc.errors import error_status
from palmette_services.serving.deployments.export import Exports
from palmette_services.serving.deployments.promotion import Promotion
from palmette_services.serving.deployments.states import Deployment, Version, VersionState
from palmette_services.serving.deployments.store import DeploymentStore

_log = structlog.get_logger(__name__)


class Steps:
    """What the reconciler does. Errors of a version end that version; `Unavailable` comes out, to be tried again."""

    def __init__(self, store: DeploymentStore, exports: Exports, promotion: Promotion) -> None:
        self._store = store
        self._exports = exports
        self._promotion = promotion
        self._waiting: dict[str, asyncio.Task[None]] = {}

    async def close(self) -> None:
        """Stop waiting for exports."""
        tasks = list(self._waiting.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def export(self, deployment: Deployment, wake: Callable[[], None]) -> bool:
        """Submit the export job, or take its result; tell whether it has ended. `wake` is called once it has."""
        version = deployment.target
        try:
            job = await (self._exports.get(version.export_job) if version.export_job else self._submit(deployment))
        except NotFound:
            job = await self._submit(deployment)  # deleted by someone: the work is still wanted
        except Unavailable:
            raise
        except PalmetteError as error:
            await self._fail(deployment, version, error_status(error))
            return True
        state = JobState(job.state)
        if not state.ended:
            self._wait_for(job.name, wake)
            return False
        if state is JobState.SUCCEEDED:
            servable = job.outputs["servable"].names[-1].removeprefix("artifacts/")
            change = {"state": VersionState.LOADING, "servable": servable}
            await self._store.change_version(deployment.id, version.number, VersionState.EXPORTING, **change)
        else:
            await self._fail(deployment, version, _job_error(job))
        return True

    async def promote(self, deployment: Deployment) -> None:
        """Make the target serve; it is FAILED if it cannot."""
        version = deployment.target
        try:
            served = await self._promotion.promote(deployment, version)
        except Unavailable:
            raise
        except PalmetteError as error:
            await self._fail(deployment, version, error_status(error))
            return
        await self._store.make_serving(deployment, version.number, served.SerializeToString())
        await self._promotion.forget_versions(deployment.id, {version.number, deployment.serving_version})
        _log.info("serving", deployment=deployment.id, version=version.number)

    async def restore(self, deployment: Deployment) -> None:
        """Load what should serve again."""
        await self._promotion.restore(deployment)
        _log.info("serving again", deployment=deployment.id, version=deployment.serving_version)

    async def supersede(self, deployment: Deployment) -> None:
        """End the versions under way that another one was asked for after."""
        for version in deployment.superseded:
            reason = f"superseded by version {deployment.target_version}"
            await self._cancel(version, reason)
            await self._fail(deployment, version, error_status(FailedPrecondition(reason)))

    async def delete(self, deployment: Deployment) -> None:
        """Drain and unload the model, remove its files, forget the deployment."""
        for version in deployment.versions:
            if version.state is VersionState.EXPORTING:
                await self._cancel(version, "the deployment was deleted")
        await self._promotion.remove(deployment.id)
        await self._store.remove(deployment.id)
        _log.info("deleted", deployment=deployment.id)

    async def _submit(self, deployment: Deployment) -> job_pb2.Job:
        version = deployment.target
        job = await self._exports.submit(deployment.id, version)
        change = {"export_job": job.name}
        await self._store.change_version(deployment.id, version.number, VersionState.EXPORTING, **change)
        return job

    async def _cancel(self, version: Version, reason: str) -> None:
        if version.export_job:
            try:
                await self._exports.cancel(version.export_job, reason)
            except NotFound:
                return  # it is gone already

    async def _fail(self, deployment: Deployment, version: Version, error: status_pb2.Status) -> None:
        if await self._store.fail_version(deployment.id, version, error):
            _log.warning("failed", deployment=deployment.id, version=version.number, error=error.message)

    def _wait_for(self, job: str, wake: Callable[[], None]) -> None:
        if job in self._waiting:
            return

        def ended(_task: asyncio.Task[None]) -> None:
            del self._waiting[job]
            wake()

        self._waiting[job] = asyncio.create_task(self._until_ended(job), name=f"export {job}")
        self._waiting[job].add_done_callback(ended)

    async def _until_ended(self, job: str) -> None:
        try:
            await self._exports.wait(job)
        except PalmetteError as error:  # the next pass looks for itself
            _log.debug("stopped waiting for an export", job=job, error=str(error))


def _job_error(job: job_pb2.Job) -> status_pb2.Status:
    if job.HasField("error"):
        return job.error
    return error_status(FailedPrecondition(f"the export was cancelled; see {job.name}"))
