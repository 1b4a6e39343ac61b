"""Exports, as jobs of this service."""

from __future__ import annotations

from palmette_plugins.api.errors import FieldViolation, InvalidArgument
from palmette_protos.serving.v1 import deployment_pb2
from palmette_protos.v1 import job_pb2, reference_pb2
from palmette_services.runtime.jobs.queue import JobQueue
from palmette_services.runtime.rpc.structs import dict_to_struct
from palmette_services.serving.deployments.states import Version
from palmette_services.serving.deployments.store import NewVersion

_SERVICE = "serving"
_PLUGIN = "export"
_RUNTIMES = {
    deployment_pb2.RUNTIME_UNSPECIFIED: "auto",
    deployment_pb2.RUNTIME_ONNX: "onnx",
    deployment_pb2.RUNTIME_TORCH: "torch",
}
_FIELDS = {"inputs.model": "artifact", "config.atol": "atol", "config.rtol": "rtol", "config.runtime": "runtime"}


class Exports:
    """Submits the job that exports a version; it goes on whatever happens to this process."""

    def __init__(self, jobs: JobQueue) -> None:
        self._jobs = jobs

    async def check(self, new: NewVersion) -> None:
        """Raise `InvalidArgument`, in the deployment's own fields, if the artifact cannot be exported."""
        request = _request(new.artifact, new.runtime, new.atol, new.rtol)
        request.validate_only = True
        try:
            await self._jobs.submit(request)
        except InvalidArgument as error:
            raise InvalidArgument(
                FieldViolation(_FIELDS.get(violation.field, violation.field), violation.description)
                for violation in error.violations
            ) from None

    async def submit(self, deployment_id: str, version: Version) -> job_pb2.Job:
        """Submit the job of a version, or return the one that was submitted before."""
        request = _request(version.artifact, version.runtime, version.atol, version.rtol)
        # The time is part of it: a deployment that is deleted and made again counts its versions from 1.
        request.request_id = f"deployments/{deployment_id}/{version.number}/{version.create_time_us}"
        request.job.parent = f"deployments/{deployment_id}"
        request.job.labels["deployment"] = deployment_id
        return await self._jobs.submit(request)

    async def get(self, name: str) -> job_pb2.Job:
        """Return a job."""
        return await self._jobs.get(name)

    async def wait(self, name: str) -> None:
        """Return once a job has ended."""
        await self._jobs.wait(name)

    async def cancel(self, name: str, reason: str) -> None:
        """Stop a job."""
        await self._jobs.cancel(name, reason)


def _request(artifact: str, runtime: int, atol: float, rtol: float) -> job_pb2.SubmitJobRequest:
    config = {"runtime": _RUNTIMES[deployment_pb2.Runtime.ValueType(runtime)], "atol": atol, "rtol": rtol}
    job = job_pb2.Job(
        plugin=_PLUGIN,
        inputs={"model": reference_pb2.InputReferences(references=[f"artifact:{artifact}"])},
        config=dict_to_struct(config),
        seed=0,
    )
    return job_pb2.SubmitJobRequest(parent=f"services/{_SERVICE}", job=job)
