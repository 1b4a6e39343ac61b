"""What the deployment tests ask for, in one line each."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType

import grpc
import numpy
from grpc_status import rpc_status
from tests.services.serving.models import TrainedModel
from tests.services.serving.processes import Serving, Triton
from tritonclient.grpc import InferenceServerClient, InferInput
from tritonclient.utils import InferenceServerException

from palmette_protos.serving.v1 import deployment_pb2 as pb

SETTLE_S = 90


def deploy(serving: Serving, deployment_id: str, artifact: str, **fields: object) -> pb.Deployment:
    """Deploy an artifact and return the deployment once it is READY or FAILED."""
    request = pb.CreateDeploymentRequest(deployment_id=deployment_id, artifact=f"artifacts/{artifact}", **fields)
    serving.deployments.CreateDeployment(request)
    return settled(serving, deployment_id)


def settled(serving: Serving, deployment_id: str) -> pb.Deployment:
    """Return a deployment once it is READY or FAILED."""
    request = pb.WatchDeploymentRequest(name=f"deployments/{deployment_id}")
    *_, last = serving.deployments.WatchDeployment(request, timeout=SETTLE_S)
    return last.deployment


def get(serving: Serving, deployment_id: str) -> pb.Deployment:
    """Return a deployment as it is now."""
    request = pb.GetDeploymentRequest(name=f"deployments/{deployment_id}")
    return serving.deployments.GetDeployment(request).deployment


def delete(serving: Serving, deployment_id: str) -> None:
    """Delete a deployment."""
    serving.deployments.DeleteDeployment(pb.DeleteDeploymentRequest(name=f"deployments/{deployment_id}"))


def infer(client: InferenceServerClient, name: str, images: numpy.ndarray) -> tuple[numpy.ndarray, str]:
    """Return the logits of a served model, and the version that answered."""
    tensor = InferInput("image", list(images.shape), "FP32")
    tensor.set_data_from_numpy(images)
    result = client.infer(name, [tensor])
    return result.as_numpy("logits"), result.get_response().model_version


def served_logits(triton: Triton, name: str, model: TrainedModel, batch: int = 50) -> numpy.ndarray:
    """Return the served logits of the whole held-out split, in batches."""
    with triton.client() as client:
        starts = range(0, len(model.images), batch)
        return numpy.concatenate([infer(client, name, model.images[at : at + batch])[0] for at in starts])


def refusal(call: Callable[[], object]) -> tuple[grpc.StatusCode, str]:
    """Return the status that a call ends with."""
    try:
        call()
    except grpc.RpcError as error:
        return error.code(), error.details()
    raise AssertionError("the call was not refused")


def violations(call: Callable[[], object]) -> dict[str, str]:
    """Return the field violations that a call is refused with."""
    from google.rpc import error_details_pb2

    try:
        call()
    except grpc.RpcError as error:
        status = rpc_status.from_call(error)
        bad = error_details_pb2.BadRequest()
        found = [detail for detail in status.details if detail.Is(bad.DESCRIPTOR)]
        found[0].Unpack(bad)
        return {item.field: item.description for item in bad.field_violations}
    raise AssertionError("the call was not refused")


class ClientLoop:
    """Infers without a pause, by name and without a version, and keeps what came back."""

    def __init__(self, triton: Triton, name: str, images: numpy.ndarray) -> None:
        self.versions: list[str] = []
        self.errors: list[str] = []
        self._triton = triton
        self._name = name
        self._images = images
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> ClientLoop:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        with self._triton.client() as client:
            while not self._stop.is_set():
                try:
                    self.versions.append(infer(client, self._name, self._images)[1])
                except InferenceServerException as error:
                    self.errors.append(str(error))
