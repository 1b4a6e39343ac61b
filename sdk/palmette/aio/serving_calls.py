"""Calls about serving."""

from __future__ import annotations

from typing import Any

from palmette.aio.artifacts import artifact_name
from palmette.aio.connection import Connection
from palmette.aio.deployment import Deployment, get_deployment
from palmette.aio.inference import Inference
from palmette.types import Artifact, Runtime
from palmette.wire.deployment import deployment_from, runtime_number
from palmette_protos.serving.v1 import deployment_pb2


class ServingCalls:
    """The part of a client that deploys and infers."""

    _connection: Connection
    _inference: Inference

    async def deploy(
        self,
        name: str,
        artifact: str | Artifact,
        *,
        runtime: Runtime | str = Runtime.AUTO,
        max_batch_size: int = 0,
        max_queue_delay_us: int = 0,
        instances: int = 0,
        atol: float = 0.0,
        rtol: float = 0.0,
        wait: bool = True,
    ) -> Deployment:
        """Serve an artifact under a name, or roll an existing deployment to it; zeros take the service's defaults.

        With `wait` it returns once the new version serves.

        Raises:
            InvalidRequest: Something is wrong with it; `violations` lists everything.
            NotFound: Nothing is wrong but that there is no such artifact.
            DeploymentFailed: (with `wait`) It does not serve; what served before goes on.
        """
        settings = deployment_pb2.ServingSettings(
            max_batch_size=max_batch_size, max_queue_delay_us=max_queue_delay_us, instances=instances
        )
        request = deployment_pb2.CreateDeploymentRequest(
            deployment_id=name.removeprefix("deployments/"),
            artifact=artifact_name(artifact),
            runtime=runtime_number(runtime),
            # Left out rather than empty: an existing deployment keeps its settings then.
            settings=settings if settings.ByteSize() else None,
            atol=atol,
            rtol=rtol,
        )
        call = self._connection.call
        response = await call(self._connection.deployments.CreateDeployment, request, repeatable=False)
        deployment = Deployment(self._connection, self._inference, deployment_from(response.deployment))
        return await deployment.wait() if wait else deployment

    async def deployment(self, name: str) -> Deployment:
        """Return a deployment by name; raises `NotFound` if there is none."""
        full = f"deployments/{name.removeprefix('deployments/')}"
        return Deployment(self._connection, self._inference, await get_deployment(self._connection, full))

    async def deployments(self) -> list[Deployment]:
        """Return all deployments, ordered by name."""
        found: list[Deployment] = []
        token = ""
        while True:
            request = deployment_pb2.ListDeploymentsRequest(page_size=200, page_token=token)
            response = await self._connection.call(self._connection.deployments.ListDeployments, request)
            found += [Deployment(self._connection, self._inference, deployment_from(d)) for d in response.deployments]
            token = response.next_page_token
            if not token:
                return found

    async def infer(self, name: str, inputs: Any) -> Any:
        """Run a deployed model on an array, or on arrays by input name, and return its output, or outputs by name.

        NumPy in, NumPy out; torch in, torch out. A batch of any size is cut to what the model takes; one example
        without a batch dimension gives one output without it.

        Raises:
            InvalidRequest: Names, shapes or data types do not fit the model.
            NotFound: No such model is served.
        """
        return await self._inference.infer(name.removeprefix("deployments/"), inputs)
