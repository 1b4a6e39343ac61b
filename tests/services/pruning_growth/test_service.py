"""The service end to end: its plugins, its synchronous calls, a real job."""

from __future__ import annotations

import grpc
import pytest
from palmette_test_service.process import ServiceProcess

from palmette_plugins.api.artifacts import ArtifactStore
from palmette_protos.pruning_growth.v1 import pruning_growth_pb2, pruning_growth_pb2_grpc
from palmette_protos.v1 import job_pb2, plugin_pb2

RESNET = "zoo:resnet20?in_channels=1&num_classes=10"


@pytest.fixture
def stub(service: ServiceProcess) -> pruning_growth_pb2_grpc.PruningGrowthServiceStub:
    """The synchronous calls."""
    return pruning_growth_pb2_grpc.PruningGrowthServiceStub(service.channel)


def training(model: str, data: str = "digits", **config: object) -> job_pb2.SubmitJobRequest:
    """Return a submission of dense training."""
    job = job_pb2.Job(plugin="dense-training", seed=3)
    job.inputs["model"].references.append(model)
    job.inputs["data"].references.append(data)
    job.config.update({"recipe": {"epochs": 1, **config}})
    return job_pb2.SubmitJobRequest(parent="services/pruning_growth", job=job)


def test_every_plugin_is_ready(service: ServiceProcess) -> None:
    plugins = service.plugins.ListPlugins(plugin_pb2.ListPluginsRequest(), timeout=90).plugins
    states = {plugin.name.rsplit("/", 1)[-1]: plugin.state for plugin in plugins}
    expected = {"dense-training", "random-pruning", "layer-lottery", "mixture-growth", "model-averaging"}
    assert expected <= set(states)
    assert set(states.values()) == {plugin_pb2.PLUGIN_STATE_READY}


def test_layers_of_a_model_add_up(stub: pruning_growth_pb2_grpc.PruningGrowthServiceStub) -> None:
    answer = stub.InspectModel(pruning_growth_pb2.InspectModelRequest(model=RESNET, data="digits"), timeout=90)
    assert answer.parameters == sum(layer.parameters for layer in answer.layers)
    assert answer.macs == sum(layer.macs for layer in answer.layers)
    assert answer.layers[0].name == "conv1"
    assert list(answer.layers[0].weight_shape) == [16, 1, 3, 3]
    assert answer.spec["architecture"].startswith("zoo:resnet20")


def test_planned_densities_keep_the_share_that_was_asked_for(
    stub: pruning_growth_pb2_grpc.PruningGrowthServiceStub,
) -> None:
    request = pruning_growth_pb2.PlanSparsityRequest(model=RESNET, plugin="random-pruning")
    request.config.update({"density": 0.2})
    answer = stub.PlanSparsity(request, timeout=90)
    assert answer.kept == sum(layer.kept for layer in answer.layers)
    assert answer.kept / answer.maskable == pytest.approx(0.2, abs=0.002)


@pytest.mark.parametrize(
    ("model", "message"),
    [("zoo:resnet21", "model: 'zoo:resnet21'"), ("nonsense:x", "model:"), ("", "model: required")],
)
def test_wrong_models_are_refused_by_field(
    stub: pruning_growth_pb2_grpc.PruningGrowthServiceStub, model: str, message: str
) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        stub.InspectModel(pruning_growth_pb2.InspectModelRequest(model=model), timeout=90)
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.details().startswith(message)


def test_real_job_trains_and_leaves_a_model(service: ServiceProcess) -> None:
    name = service.jobs.SubmitJob(training("zoo:mlp"), timeout=90).job.name
    job = service.wait(name, within_s=120)
    assert job.state == job_pb2.JOB_STATE_SUCCEEDED, job.error
    store = ArtifactStore(str(service.folder / "artifacts"))
    manifest = store.manifest(job.outputs["model"].names[0])
    assert manifest.job == name
    assert manifest.plugin == "pruning_growth/dense-training"
    assert 0.5 < manifest.metrics["accuracy"] <= 1.0
    assert any(event.WhichOneof("event") == "figure" for event in service.events(name))


def test_submission_that_does_not_fit_names_every_field(service: ServiceProcess) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        service.jobs.SubmitJob(training("zoo:mlp", epochs=-1, nonsense=2), timeout=90)
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert "config.recipe.epochs" in caught.value.details()
    assert "config.recipe.nonsense" in caught.value.details()
