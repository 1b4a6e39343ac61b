"""The serving service: its parts, put together on the runtime."""

from __future__ import annotations

from pathlib import Path

from palmette_protos.serving.v1 import deployment_pb2_grpc
from palmette_protos.v1 import artifact_pb2_grpc
from palmette_services.runtime.runtime import Runtime
from palmette_services.serving.artifacts.deletion import ArtifactRemoval
from palmette_services.serving.artifacts.index import ArtifactIndex
from palmette_services.serving.artifacts.servicer import ArtifactServicer
from palmette_services.serving.deployments.conditions import Conditions
from palmette_services.serving.deployments.export import Exports
from palmette_services.serving.deployments.promotion import Placement, Promotion
from palmette_services.serving.deployments.reconciler import Reconciler
from palmette_services.serving.deployments.servicer import DeploymentServicer
from palmette_services.serving.deployments.statistics import DeploymentStatistics
from palmette_services.serving.deployments.steps import Steps
from palmette_services.serving.deployments.store import DeploymentStore
from palmette_services.serving.settings import ServingSettings
from palmette_services.serving.triton.control import TritonControl
from palmette_services.serving.triton.model_config import Backend
from palmette_services.serving.triton.repository import ModelRepository

NAME = "serving"
MIGRATIONS = Path(__file__).parent / "migrations"


async def extend(runtime: Runtime) -> None:
    """Add artifacts and deployments to the runtime."""
    deployments = DeploymentStore(runtime.database)
    _add_artifacts(runtime, deployments)
    _add_deployments(runtime, deployments)


def _add_artifacts(runtime: Runtime, deployments: DeploymentStore) -> None:
    settings = _settings(runtime)
    index = ArtifactIndex(runtime.database, runtime.store)
    removal = ArtifactRemoval(index, runtime.store, deployments.needed_artifacts)
    servicer = ArtifactServicer(runtime.database, runtime.store, index, removal)
    artifact_pb2_grpc.add_ArtifactServiceServicer_to_server(servicer, runtime.server)
    runtime.reflect("palmette.v1.ArtifactService")
    runtime.spawn(index.run(settings.scan_s), "artifact index")


def _add_deployments(runtime: Runtime, deployments: DeploymentStore) -> None:
    settings = _settings(runtime)
    feed = runtime.jobs.feed  # one for all watchers: it ends their streams when the service drains
    control = TritonControl(settings.triton_endpoint)
    promotion = Promotion(control, ModelRepository(settings.repository), runtime.store, _placement(settings))
    exports = Exports(runtime.jobs)
    steps = Steps(deployments, exports, promotion)
    conditions = Conditions(feed)
    reconciler = Reconciler(deployments, control, promotion, steps, conditions, feed, settings.reconcile_s)
    statistics = DeploymentStatistics(control, settings.triton_metrics_url)
    servicer = DeploymentServicer(deployments, runtime.store, exports, reconciler, conditions, statistics, feed)
    deployment_pb2_grpc.add_DeploymentServiceServicer_to_server(servicer, runtime.server)
    runtime.reflect("palmette.serving.v1.DeploymentService")
    runtime.spawn(_reconcile(reconciler, steps, control), "reconciler")
    runtime.spawn(statistics.run(), "triton statistics")


async def _reconcile(reconciler: Reconciler, steps: Steps, control: TritonControl) -> None:
    try:
        await reconciler.run()
    finally:
        await steps.close()
        await control.close()


def _placement(settings: ServingSettings) -> Placement:
    native = settings.triton_python_backend == "onnxruntime"
    return Placement(
        onnx_backend=Backend.ONNXRUNTIME if native else Backend.PYTHON_ONNX,
        device=settings.triton_device,
        threads=settings.threads,
        artifact_store_url=settings.artifact_store_url,
    )


def _settings(runtime: Runtime) -> ServingSettings:
    assert isinstance(runtime.settings, ServingSettings)
    return runtime.settings
