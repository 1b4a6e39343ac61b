"""A deployment serves what was trained."""

from __future__ import annotations

from pathlib import Path

import numpy
import pytest
from google.rpc import code_pb2
from safetensors.numpy import load_file, save
from tests.services.serving.deployments.calls import delete, deploy, refusal, served_logits, violations
from tests.services.serving.models import Models
from tests.services.serving.processes import Serving, Triton

from palmette_plugins.api.artifacts import ArtifactStore
from palmette_protos.serving.v1 import deployment_pb2 as pb
from palmette_protos.v1 import job_pb2

pytestmark = pytest.mark.slow


def test_served_outputs_equal_pytorchs(serving: Serving, triton: Triton, models: Models) -> None:
    deployment = deploy(serving, "digits", models.first.id)
    served = served_logits(triton, "digits", models.first)
    assert deployment.state == pb.DEPLOYMENT_STATE_READY
    assert deployment.serving_version == 1
    numpy.testing.assert_allclose(served, models.first.logits, atol=1e-4, rtol=1e-3)
    assert (served.argmax(1) == models.first.logits.argmax(1)).all()


def test_deployment_says_what_serves_and_what_was_measured(serving: Serving, models: Models) -> None:
    version = deploy(serving, "described", models.first.id).versions[0]
    assert (version.runtime, version.task) == (pb.RUNTIME_ONNX, "classification")
    assert list(version.labels) == [str(digit) for digit in range(10)]
    assert [(item.name, item.datatype, list(item.shape)) for item in version.inputs] == [
        ("image", "FP32", [-1, 1, 8, 8])
    ]
    assert [(item.name, item.datatype, list(item.shape)) for item in version.outputs] == [("logits", "FP32", [-1, 10])]
    assert version.parity.samples == 16
    assert 0 < version.parity.max_abs_difference < 1e-4
    job = serving.jobs.GetJob(job_pb2.GetJobRequest(name=version.export_job)).job
    assert (job.plugin, job.state) == ("export", job_pb2.JOB_STATE_SUCCEEDED)


def test_ensemble_is_run_by_pytorch_inside_triton(serving: Serving, triton: Triton, models: Models) -> None:
    deployment = deploy(serving, "ensemble", models.ensemble.servable)
    served = served_logits(triton, "ensemble", models.ensemble)
    assert deployment.versions[0].runtime == pb.RUNTIME_TORCH
    numpy.testing.assert_allclose(served, models.ensemble.logits, atol=1e-4, rtol=1e-3)
    delete(serving, "ensemble")


def test_exported_servable_can_be_deployed_again_by_itself(serving: Serving, triton: Triton, models: Models) -> None:
    exported = deploy(serving, "exported", models.second.id)
    job = serving.jobs.GetJob(job_pb2.GetJobRequest(name=exported.versions[0].export_job)).job
    servable = job.outputs["servable"].names[0].removeprefix("artifacts/")
    again = deploy(serving, "servable", servable)
    assert (again.state, again.versions[0].export_job) == (pb.DEPLOYMENT_STATE_READY, "")
    numpy.testing.assert_allclose(
        served_logits(triton, "servable", models.second), models.second.logits, atol=1e-4, rtol=1e-3
    )


def test_asking_again_for_what_is_there_changes_nothing(serving: Serving, models: Models) -> None:
    first = deploy(serving, "same", models.first.servable)
    again = deploy(serving, "same", models.first.servable[:12])
    assert [version.version for version in again.versions] == [1]
    assert again.versions[0].ready_time == first.versions[0].ready_time


def test_deployments_are_listed_by_name_in_pages(serving: Serving, models: Models) -> None:
    for name in ("page-a", "page-b", "page-c"):
        deploy(serving, name, models.first.servable)
    names: list[str] = []
    token = ""
    while not names or token:
        page = serving.deployments.ListDeployments(pb.ListDeploymentsRequest(page_size=2, page_token=token))
        assert len(page.deployments) <= 2
        names += [item.name for item in page.deployments]
        token = page.next_page_token
    assert names == sorted(names)
    assert {"deployments/page-a", "deployments/page-b", "deployments/page-c"} <= set(names)


def test_everything_wrong_with_a_request_is_said_at_once(serving: Serving) -> None:
    settings = pb.ServingSettings(max_batch_size=-1, instances=1000)
    request = pb.CreateDeploymentRequest(
        deployment_id="No Such Name", artifact="artifacts/../../etc", atol=-1, settings=settings
    )
    found = violations(lambda: serving.deployments.CreateDeployment(request))
    assert set(found) == {"deployment_id", "artifact", "atol", "settings.max_batch_size", "settings.instances"}


def test_servable_is_not_run_by_another_runtime_than_it_was_exported_for(serving: Serving, models: Models) -> None:
    request = pb.CreateDeploymentRequest(
        deployment_id="other", artifact=f"artifacts/{models.first.servable}", runtime=pb.RUNTIME_TORCH
    )
    found = violations(lambda: serving.deployments.CreateDeployment(request))
    assert found == {"runtime": "the servable was exported for onnx; deploy the model that it is of"}


def test_model_that_cannot_be_exported_is_refused_before_anything_is_stored(serving: Serving, models: Models) -> None:
    store = ArtifactStore(str(models.store))
    manifest = store.manifest(models.first.id)
    assert manifest.spec is not None
    with store.writer() as writer:
        writer.add_file("weights.safetensors", store.local_path(models.first.id, "weights.safetensors"))
        spec = manifest.spec.model_copy(update={"io": None})
        unsigned = writer.commit(kind=manifest.kind, spec=spec)
    request = pb.CreateDeploymentRequest(deployment_id="unsigned", artifact=f"artifacts/{unsigned}")
    found = violations(lambda: serving.deployments.CreateDeployment(request))
    assert "has no signature" in found["artifact"]
    code, _ = refusal(lambda: serving.deployments.GetDeployment(pb.GetDeploymentRequest(name="deployments/unsigned")))
    assert code.name == "NOT_FOUND"


def test_unknown_deployment_is_answered_with_the_nearest_name(serving: Serving, models: Models) -> None:
    deploy(serving, "letters", models.first.servable)
    request = pb.GetDeploymentRequest(name="deployments/letter")
    code, details = refusal(lambda: serving.deployments.GetDeployment(request))
    assert code.name == "NOT_FOUND"
    assert "did you mean 'letters'" in details


def test_corrupted_artifact_is_refused_naming_the_file(serving: Serving, models: Models) -> None:
    refused = deploy(serving, "corrupted", with_corrupted_samples(models.store, models.first.id))
    error = refused.versions[0].error
    assert refused.state == pb.DEPLOYMENT_STATE_FAILED
    assert error.code == code_pb2.DATA_LOSS
    assert "'samples.safetensors'" in error.message


def with_corrupted_samples(root: Path, identifier: str) -> str:
    """Return a copy of an artifact in which one byte of the held-out samples has changed since it was written."""
    store = ArtifactStore(str(root))
    manifest = store.manifest(identifier)
    samples = save(load_file(store.local_path(identifier, "samples.safetensors")), metadata={"copy": "1"})
    with store.writer() as writer:
        writer.add_file("weights.safetensors", store.local_path(identifier, "weights.safetensors"))
        writer.add_bytes("samples.safetensors", samples)
        copy = writer.commit(kind=manifest.kind, spec=manifest.spec, task=manifest.task)
    blob = store.local_path(copy, "samples.safetensors")
    blob.chmod(0o644)
    blob.write_bytes(samples[:-1] + bytes([samples[-1] ^ 1]))
    return copy
