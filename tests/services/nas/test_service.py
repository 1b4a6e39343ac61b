"""The service end to end: its plugins, a supernet trained by a real job, and a network cut out of it."""

from __future__ import annotations

import grpc
import pytest
from palmette_test_service.process import ServiceProcess

from palmette_plugins.api.artifacts import ArtifactStore
from palmette_protos.nas.v1 import nas_pb2, nas_pb2_grpc
from palmette_protos.v1 import job_pb2, plugin_pb2

OPEN = {"depths": [1, 2], "expands": [2, 4], "kernels": [3]}
CONFIG = {
    "space": {"name": "custom", "widths": [8, 8], "strides": [2], **OPEN},
    "stages": [{"epochs": 1, "warmup_epochs": 0, "lr": 0.1, **OPEN}],
    "predictor_samples": 100,
    "predictor_images": 20,
    "calibration_images": 50,
    "reported": 1,
    "recipe": {"batch_size": 50},
}


@pytest.fixture
def stub(service: ServiceProcess) -> nas_pb2_grpc.NasServiceStub:
    """The synchronous calls."""
    return nas_pb2_grpc.NasServiceStub(service.channel)


def test_every_plugin_is_ready(service: ServiceProcess) -> None:
    plugins = service.plugins.ListPlugins(plugin_pb2.ListPluginsRequest(), timeout=90).plugins
    states = {plugin.name.rsplit("/", 1)[-1]: plugin.state for plugin in plugins}
    assert {"ofa", "random-sparse-search"} <= set(states)
    assert set(states.values()) == {plugin_pb2.PLUGIN_STATE_READY}


def test_a_described_sub_network_is_estimated(stub: nas_pb2_grpc.NasServiceStub) -> None:
    request = nas_pb2.EstimateArchitectureRequest(
        supernet="zoo:mbv3-supernet?num_classes=1000", choice=nas_pb2.Subnetwork(depths=[2], expands=[3], kernels=[3])
    )
    answer = stub.EstimateArchitecture(request, timeout=120)
    assert (answer.parameters, answer.macs) == (3_410_792, 121_278_672)
    assert list(answer.choice.depths) == [2] * 5
    assert not answer.HasField("latency_ms")


def test_a_supernet_is_trained_and_specialised(service: ServiceProcess, stub: nas_pb2_grpc.NasServiceStub) -> None:
    job = job_pb2.Job(plugin="ofa", seed=1)
    job.inputs["data"].references.append("digits?limit=100")
    job.config.update(CONFIG)
    submitted = service.jobs.SubmitJob(job_pb2.SubmitJobRequest(parent="services/nas", job=job), timeout=90).job
    ended = service.wait(submitted.name, within_s=180)
    assert ended.state == job_pb2.JOB_STATE_SUCCEEDED, ended.error
    (name,) = ended.outputs["supernet"].names
    store = ArtifactStore(str(service.folder / "artifacts"))
    supernet = store.resolve(name)
    limits = nas_pb2.SubnetworkLimits(macs=60_000)
    answer = stub.Specialize(nas_pb2.SpecializeRequest(supernet=f"artifact:{supernet}", limits=limits), timeout=120)
    assert answer.macs <= 60_000
    assert len(answer.choice.kernels) == sum(answer.choice.depths)
    manifest = store.manifest(answer.artifact)
    assert manifest.plugin == "nas/specialize"
    assert manifest.parents == (supernet,)
    impossible = nas_pb2.SpecializeRequest(supernet=f"artifact:{supernet}", limits=nas_pb2.SubnetworkLimits(macs=10))
    with pytest.raises(grpc.RpcError) as error:
        stub.Specialize(impossible, timeout=120)
    assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "limits.macs" in error.value.details()
