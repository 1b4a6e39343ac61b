"""The service end to end: its plugins, its synchronous call, a real job."""

from __future__ import annotations

import grpc
import pytest
from google.protobuf.json_format import MessageToDict
from palmette_test_service.process import ServiceProcess

from palmette_plugins.api.artifacts import ArtifactStore
from palmette_protos.guided_training.v1 import guided_training_pb2, guided_training_pb2_grpc
from palmette_protos.v1 import job_pb2, plugin_pb2

TARGET = "zoo:mlp?hidden=16,16&batch_norm=true"


@pytest.fixture
def stub(service: ServiceProcess) -> guided_training_pb2_grpc.GuidedTrainingServiceStub:
    """The synchronous call."""
    return guided_training_pb2_grpc.GuidedTrainingServiceStub(service.channel)


def test_every_plugin_is_ready(service: ServiceProcess) -> None:
    plugins = service.plugins.ListPlugins(plugin_pb2.ListPluginsRequest(), timeout=90).plugins
    states = {plugin.name.rsplit("/", 1)[-1]: plugin.state for plugin in plugins}
    assert {"guidance", "meal-v2"} <= set(states)
    assert set(states.values()) == {plugin_pb2.PLUGIN_STATE_READY}


def test_two_models_are_compared(stub: guided_training_pb2_grpc.GuidedTrainingServiceStub) -> None:
    request = guided_training_pb2.CompareRepresentationsRequest(
        first=TARGET, second="zoo:resnet8?width=4", data="digits", examples=32
    )
    answer = stub.CompareRepresentations(request, timeout=60)
    assert list(answer.first_layers) == ["layers.0", "layers.3"]
    assert [len(row.similarities) for row in answer.rows] == [len(answer.second_layers)] * 2
    assert answer.examples == 32
    assert "mark" in MessageToDict(answer.figure)


def test_bad_input_names_its_field(stub: guided_training_pb2_grpc.GuidedTrainingServiceStub) -> None:
    request = guided_training_pb2.CompareRepresentationsRequest(first=TARGET, second="zoo:resnet9", data="digits")
    with pytest.raises(grpc.RpcError) as error:
        stub.CompareRepresentations(request, timeout=60)
    assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "second" in error.value.details()
    with pytest.raises(grpc.RpcError) as error:
        stub.CompareRepresentations(guided_training_pb2.CompareRepresentationsRequest(first=TARGET), timeout=60)
    assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_a_job_trains_under_a_guide(service: ServiceProcess) -> None:
    job = job_pb2.Job(plugin="guidance", seed=3)
    for name, reference in (("target", TARGET), ("guide", "zoo:resnet8?width=4"), ("data", "digits")):
        job.inputs[name].references.append(reference)
    job.config.update({"guide_trained": False, "recipe": {"epochs": 1, "batch_size": 64}})
    submitted = service.jobs.SubmitJob(
        job_pb2.SubmitJobRequest(parent="services/guided_training", job=job), timeout=90
    ).job
    ended = service.wait(submitted.name, within_s=120)
    assert ended.state == job_pb2.JOB_STATE_SUCCEEDED, ended.error
    manifest = ArtifactStore(str(service.folder / "artifacts")).manifest(ended.outputs["model"].names[0])
    assert manifest.plugin == "guided_training/guidance"
    assert "similarity after" in manifest.figures
