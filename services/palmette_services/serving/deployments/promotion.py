"""Putting versions on Triton: try out, switch, restore, remove."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import structlog

from palmette_plugins.api.artifacts import ArtifactStore
from palmette_plugins.api.errors import FailedPrecondition, PalmetteError
from palmette_protos.serving.v1 import deployment_pb2
from palmette_services.serving.deployments.check import check_answers
from palmette_services.serving.deployments.servable import Servable, read_servable
from palmette_services.serving.deployments.states import Deployment, Version
from palmette_services.serving.triton.control import TritonControl
from palmette_services.serving.triton.model_config import Backend, Device, Scheduling, ServedModel, Tensor
from palmette_services.serving.triton.repository import ModelRepository

_log = structlog.get_logger(__name__)
_DEFAULT_MAX_BATCH = 64
_CANDIDATE = ".candidate"  # no deployment can have such a name


@dataclass(frozen=True)
class Placement:
    """How this installation runs models.

    Attributes:
        onnx_backend: What runs ONNX models.
        device: Where Triton runs models.
        threads: Cores that one model may use on a CPU.
        artifact_store_url: Where torch models find their artifact.
    """

    onnx_backend: Backend
    device: Device
    threads: int
    artifact_store_url: str


class Promotion:
    """Changes what Triton serves. One deployment at a time is changed by one caller."""

    def __init__(
        self, control: TritonControl, repository: ModelRepository, store: ArtifactStore, placement: Placement
    ) -> None:
        self._control = control
        self._repository = repository
        self._store = store
        self._placement = placement

    async def promote(self, deployment: Deployment, version: Version) -> deployment_pb2.DeploymentVersion:
        """Make a version the one that serves; return what is known of it.

        While another version serves, the new one is first loaded under another name and asked the held-out
        inputs there; clients never reach a version that gives wrong answers, and no request fails.

        Raises:
            FailedPrecondition: It does not load or answers wrongly; what served before serves on.
            DataLoss: A file of its artifact is corrupted.
            Unavailable: Triton does not answer.
        """
        servable = await asyncio.to_thread(read_servable, self._store, version.servable)
        if deployment.serving_version:
            await self._try_out(deployment, version, servable)
        await self._place(deployment.id, version.number, servable)
        await self._configure(deployment, version.number, servable.served)
        try:
            await self._control.load(deployment.id)
            difference = await self._check(deployment.id, deployment, version, servable)
        except FailedPrecondition:
            await self._put_back(deployment, version)
            raise
        served = deployment_pb2.DeploymentVersion()
        served.CopyFrom(servable.served)
        served.parity.max_abs_difference = max(difference, served.parity.max_abs_difference)
        served.parity.atol, served.parity.rtol = version.atol, version.rtol
        return served

    async def restore(self, deployment: Deployment) -> None:
        """Load the serving version again, after a restart of Triton.

        Its files are written anew from the store: Triton may never answer the load of a damaged folder.
        """
        version = deployment.version(deployment.serving_version)
        try:
            await self._place_from_store(deployment.id, version)
        except (PalmetteError, OSError) as error:
            if not self._repository.has_version(deployment.id, version.number):
                raise
            _log.warning("using the files on the disk", deployment=deployment.id, error=str(error))
        await self._configure(deployment, version.number, version.served)
        await self._control.load(deployment.id)

    async def remove(self, name: str) -> None:
        """Unload a model after its last request and remove its files; raise `Unavailable` without Triton."""
        if any(item.model == name and item.state for item in await self._control.index()):
            await self._control.unload(name)
        await asyncio.to_thread(self._repository.remove_model, name)

    async def forget_versions(self, name: str, kept: set[int]) -> None:
        """Remove the files of other versions; a rollback to one of those takes them from the store."""
        for number in self._repository.versions(name):
            if number not in kept:
                await asyncio.to_thread(self._repository.remove_version, name, number)

    def candidates(self) -> list[str]:
        """Return the ids of deployments of which a try-out has left something."""
        names = self._repository.models()
        return [name.removesuffix(_CANDIDATE) for name in names if name.endswith(_CANDIDATE)]

    async def remove_candidate(self, deployment_id: str) -> None:
        """Remove what a try-out left that was cut off by a crash."""
        await self.remove(f"{deployment_id}{_CANDIDATE}")

    async def _try_out(self, deployment: Deployment, version: Version, servable: Servable) -> None:
        candidate = f"{deployment.id}{_CANDIDATE}"
        try:
            await self._place(candidate, 1, servable)
            model = self._model(candidate, 1, deployment.settings, servable.served)
            await asyncio.to_thread(self._repository.write_config, model)
            await self._control.load(candidate)
            await self._check(candidate, deployment, version, servable)
        finally:
            await self.remove_candidate(deployment.id)

    async def _check(self, model: str, deployment: Deployment, version: Version, servable: Servable) -> float:
        return await check_answers(
            self._control,
            model,
            servable,
            largest_batch=_max_batch(deployment.settings),
            atol=version.atol,
            rtol=version.rtol,
        )

    async def _put_back(self, deployment: Deployment, failed: Version) -> None:
        """Undo a switch that went wrong, as far as Triton lets us; the reconciler does the rest."""
        try:
            if deployment.serving_version:
                before = deployment.version(deployment.serving_version)
                await self._configure(deployment, before.number, before.served)
                await self._control.load(deployment.id)
                await asyncio.to_thread(self._repository.remove_version, deployment.id, failed.number)
            else:
                await self.remove(deployment.id)
        except PalmetteError:
            return  # the error that brought us here is the one to show

    async def _configure(self, deployment: Deployment, number: int, served: deployment_pb2.DeploymentVersion) -> None:
        model = self._model(deployment.id, number, deployment.settings, served)
        await asyncio.to_thread(self._repository.write_config, model)

    async def _place(self, name: str, number: int, servable: Servable) -> None:
        backend = self._backend(servable.served)
        await asyncio.to_thread(self._repository.write_version, name, number, backend, servable.files)

    async def _place_from_store(self, name: str, version: Version) -> None:
        servable = await asyncio.to_thread(read_servable, self._store, version.servable)
        await self._place(name, version.number, servable)

    def _backend(self, served: deployment_pb2.DeploymentVersion) -> Backend:
        is_torch = served.runtime == deployment_pb2.RUNTIME_TORCH
        return Backend.PYTHON_TORCH if is_torch else self._placement.onnx_backend

    def _model(
        self,
        name: str,
        number: int,
        settings: deployment_pb2.ServingSettings,
        served: deployment_pb2.DeploymentVersion,
    ) -> ServedModel:
        instances = settings.instances or 1
        return ServedModel(
            name=name,
            version=number,
            backend=self._backend(served),
            inputs=tuple(_tensor(item) for item in served.inputs),
            outputs=tuple(_tensor(item) for item in served.outputs),
            scheduling=Scheduling(
                max_batch_size=_max_batch(settings),
                max_queue_delay_us=settings.max_queue_delay_us,
                instances=instances,
                threads=max(1, self._placement.threads // instances),
            ),
            device=self._placement.device,
            artifact_store_url=self._placement.artifact_store_url,
        )


def _max_batch(settings: deployment_pb2.ServingSettings) -> int:
    return settings.max_batch_size or _DEFAULT_MAX_BATCH


def _tensor(signature: deployment_pb2.TensorSignature) -> Tensor:
    return Tensor(signature.name, signature.datatype, tuple(signature.shape[1:]))
