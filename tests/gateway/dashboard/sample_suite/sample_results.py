"""Artifacts and deployments that the sample jobs left."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

from tests.gateway.dashboard.sample_suite.artifact_servicer import SampleArtifacts
from tests.gateway.dashboard.sample_suite.deployment_servicer import SampleDeployments
from tests.gateway.dashboard.sample_suite.sample_jobs import FIGURE

from palmette_protos.serving.v1 import deployment_pb2
from palmette_protos.v1 import artifact_pb2 as pb


def _name(text: str) -> str:
    return "artifacts/" + hashlib.sha256(text.encode()).hexdigest()


_FILES = ("weights.safetensors", "samples.safetensors")
_LABELS = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat")


def _file(artifacts: SampleArtifacts, path: str) -> pb.ArtifactFile:
    data = artifacts.content(path)
    return pb.ArtifactFile(path=path, size_bytes=len(data), sha256=hashlib.sha256(data).hexdigest())


def _model(artifacts: SampleArtifacts, text: str, plugin: str, age_s: float, **fields: object) -> str:
    artifact = pb.Artifact(
        name=_name(text),
        kind="model",
        output="model",
        size_bytes=sum(len(artifacts.content(path)) for path in _FILES),
        files=[_file(artifacts, path) for path in _FILES],
        plugin=plugin,
        plugin_version="0.1.0",
        task="classification",
        seed=7,
        dataset_fingerprint=hashlib.sha256(b"data").hexdigest(),
        environment={"python": "3.11.9", "torch": "2.14.1"},
        **fields,  # type: ignore[arg-type]
    )
    artifact.create_time.FromDatetime(datetime.now(UTC) - timedelta(seconds=age_s))
    return artifacts.add(artifact).name


def fill_artifacts(artifacts: SampleArtifacts) -> list[str]:
    """Store a dense model, two made from it, their average, and a table; return the models' names."""
    dense = _dense(artifacts)
    sparse, shallow = _sparse(artifacts, dense), _shallow(artifacts, dense)
    average = _average(artifacts, [sparse, shallow])
    _plan(artifacts, dense)
    return [dense, sparse, shallow, average]


def _dense(artifacts: SampleArtifacts) -> str:
    name = _model(
        artifacts,
        "dense",
        "pruning_growth/dense-training",
        4100,
        metrics={"test/accuracy": 0.9214, "parameters": 272186, "nonzeros": 272186},
        figures={"density": FIGURE},
    )
    dense = artifacts.artifacts[name]
    image = {"name": "image", "dtype": "float32", "shape": [1, 28, 28], "preprocessing": {"mean": [0.286]}}
    logits = {"name": "logits", "dtype": "float32", "shape": [10], "preprocessing": {}}
    dense.spec.update(
        {
            "architecture": "zoo:resnet20?in_channels=1&num_classes=10",
            "edits": [],
            "task": "classification",
            "runtime": "onnx",
            "io": {"inputs": [image], "outputs": [logits], "labels": list(_LABELS)},
        }
    )
    dense.inputs.update({"model": ["zoo:resnet20"], "data": ["fashion-mnist"]})
    dense.config.update({"recipe": {"epochs": 20, "lr": 0.1}})
    return name


def _sparse(artifacts: SampleArtifacts, dense: str) -> str:
    metrics = {"test/accuracy": 0.9088, "parameters": 272186, "nonzeros": 28666}
    name = _model(artifacts, "sparse", "pruning_growth/random-pruning", 3000, parents=[dense], metrics=metrics)
    edit = {"name": "mask", "arguments": {"density": 0.1, "layers": ["stem", "stage1.0.conv1"]}}
    _made_by(artifacts, name, dense, edit)
    return name


def _shallow(artifacts: SampleArtifacts, dense: str) -> str:
    metrics = {"test/accuracy": 0.9150, "parameters": 180000, "nonzeros": 180000}
    name = _model(artifacts, "shallow", "pruning_growth/layer-lottery", 2500, parents=[dense], metrics=metrics)
    _made_by(artifacts, name, dense, {"name": "drop_blocks", "arguments": {"blocks": ["stage2.1", "stage3.2"]}})
    return name


def _made_by(artifacts: SampleArtifacts, name: str, parent: str, edit: dict[str, object]) -> None:
    """Describe a model as its parent with one edit."""
    artifacts.artifacts[name].spec.update(
        {"architecture": "zoo:resnet20?in_channels=1&num_classes=10", "edits": [edit], "task": "classification"}
    )
    reference = "artifact:" + parent.removeprefix("artifacts/")
    artifacts.artifacts[name].inputs.update({"model": [reference], "data": ["fashion-mnist"]})


def _average(artifacts: SampleArtifacts, models: list[str]) -> str:
    metrics = {"test/accuracy": 0.9263}
    name = _model(artifacts, "average", "pruning_growth/model-averaging", 1200, parents=models, metrics=metrics)
    part = {"architecture": "zoo:resnet20", "edits": []}
    artifacts.artifacts[name].spec.update(
        {
            "architecture": "zoo:ensemble",
            "edits": [],
            "task": "classification",
            "runtime": "torch",
            "parts": {"0": part, "1": part},
        }
    )
    references = ["artifact:" + model.removeprefix("artifacts/") for model in models]
    artifacts.artifacts[name].inputs.update({"models": references, "data": ["fashion-mnist"]})
    return name


def _plan(artifacts: SampleArtifacts, dense: str) -> None:
    table = pb.Artifact(
        name=_name("plan"),
        kind="table",
        output="plan",
        size_bytes=2048,
        parents=[dense],
        plugin="pruning_growth/random-pruning",
    )
    table.create_time.FromDatetime(datetime.now(UTC) - timedelta(seconds=2990))
    artifacts.add(table)


def fill_deployments(deployments: SampleDeployments, models: list[str]) -> None:
    """Serve two models; one has an older version to roll back to, one failed its parity check."""
    clothes = _clothes(models)
    deployments.deployments[clothes.name] = clothes
    deployments.stats[clothes.name] = deployment_pb2.DeploymentStats(
        version=2,
        inference_count=41_200,
        execution_count=12_000,
        failure_count=3,
        requests_per_s=184.2,
        p50_ms=1.21,
        p99_ms=4.87,
        queue_ms=0.31,
        compute_ms=0.74,
        executions_by_batch_size={1: 7000, 2: 2400, 4: 1600, 8: 1000},
    )
    broken = _broken(models[3])
    deployments.deployments[broken.name] = broken


def _clothes(models: list[str]) -> deployment_pb2.Deployment:
    """Return a deployment whose second version serves."""
    now = datetime.now(UTC)
    versions = [
        _version(2, models[0], deployment_pb2.DEPLOYMENT_STATE_READY, now - timedelta(seconds=1500)),
        _version(1, models[1], deployment_pb2.DEPLOYMENT_STATE_RETIRED, now - timedelta(seconds=4000)),
    ]
    clothes = deployment_pb2.Deployment(
        name="deployments/clothes",
        serving_version=2,
        state=deployment_pb2.DEPLOYMENT_STATE_READY,
        versions=versions,
        settings=deployment_pb2.ServingSettings(max_batch_size=64, max_queue_delay_us=200, instances=1),
    )
    clothes.create_time.FromDatetime(now - timedelta(seconds=4000))
    return clothes


def _version(
    number: int, artifact: str, state: deployment_pb2.DeploymentState.ValueType, created: datetime
) -> deployment_pb2.DeploymentVersion:
    version = deployment_pb2.DeploymentVersion(
        version=number,
        artifact=artifact,
        state=state,
        runtime=deployment_pb2.RUNTIME_ONNX,
        parity=deployment_pb2.ParityReport(samples=16, max_abs_difference=2.4e-6, atol=1e-4, rtol=1e-3),
        inputs=[deployment_pb2.TensorSignature(name="image", datatype="FP32", shape=[-1, 1, 28, 28])],
        outputs=[deployment_pb2.TensorSignature(name="logits", datatype="FP32", shape=[-1, 10])],
        labels=_LABELS,
        task="classification",
    )
    version.create_time.FromDatetime(created)
    version.ready_time.FromDatetime(created + timedelta(seconds=12))
    return version


def _broken(artifact: str) -> deployment_pb2.Deployment:
    """Return a deployment whose only version failed."""
    broken = deployment_pb2.Deployment(name="deployments/ensemble", state=deployment_pb2.DEPLOYMENT_STATE_FAILED)
    version = broken.versions.add(
        version=1,
        artifact=artifact,
        state=deployment_pb2.DEPLOYMENT_STATE_FAILED,
        runtime=deployment_pb2.RUNTIME_TORCH,
    )
    version.error.message = "outputs differ from PyTorch by 0.013 (allowed 0.0001): serve it with runtime torch"
    return broken
