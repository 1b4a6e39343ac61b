"""Deployments come back by themselves."""

from __future__ import annotations

import numpy
import pytest
from google.rpc import code_pb2
from tests.services.serving.deployments.calls import deploy, get, infer, refusal, served_logits, settled
from tests.services.serving.models import Models
from tests.services.serving.processes import Serving, Triton, wait_until
from tritonclient.utils import InferenceServerException

from palmette_protos.serving.v1 import deployment_pb2 as pb

pytestmark = pytest.mark.slow


def answers(triton: Triton, name: str, models: Models) -> bool:
    with triton.client() as client:
        try:
            infer(client, name, models.first.images[:1])
        except InferenceServerException:
            return False
        return True


def test_killed_triton_serves_again_after_its_restart(serving: Serving, triton: Triton, models: Models) -> None:
    deploy(serving, "onnx-model", models.first.servable)
    triton.kill()
    wait_until(
        lambda: get(serving, "onnx-model").versions[0].error.code == code_pb2.UNAVAILABLE, "the deployment says why"
    )
    away = get(serving, "onnx-model")
    stats = pb.GetDeploymentStatsRequest(name="deployments/onnx-model")
    assert refusal(lambda: serving.deployments.GetDeploymentStats(stats))[0].name == "UNAVAILABLE"
    triton.start()
    triton.wait_ready()
    wait_until(lambda: answers(triton, "onnx-model", models), "the model answers again")
    back = settled(serving, "onnx-model")
    assert away.state == pb.DEPLOYMENT_STATE_LOADING
    assert triton.endpoint in away.versions[0].error.message
    assert (back.state, back.serving_version) == (pb.DEPLOYMENT_STATE_READY, 1)
    assert not back.versions[0].HasField("error")
    served = served_logits(triton, "onnx-model", models.first)
    numpy.testing.assert_allclose(served, models.first.logits, atol=1e-4, rtol=1e-3)


def test_deployment_asked_for_while_triton_is_away_is_ready_once_it_is_back(
    serving: Serving, triton: Triton, models: Models
) -> None:
    triton.kill()
    request = pb.CreateDeploymentRequest(deployment_id="patient", artifact=f"artifacts/{models.first.id}")
    serving.deployments.CreateDeployment(request)
    wait_until(lambda: get(serving, "patient").state == pb.DEPLOYMENT_STATE_LOADING, "the export is done")
    assert get(serving, "patient").versions[0].error.code == code_pb2.UNAVAILABLE
    triton.start()
    assert settled(serving, "patient").state == pb.DEPLOYMENT_STATE_READY


def test_wiped_model_repository_is_filled_from_the_store(serving: Serving, triton: Triton, models: Models) -> None:
    deploy(serving, "wiped", models.first.servable)
    triton.kill()
    wiped = list((triton.repository / "wiped").rglob("model.*"))
    for path in wiped:
        path.unlink()
    triton.start()
    triton.wait_ready()
    wait_until(lambda: answers(triton, "wiped", models), "the model answers again")
    assert wiped
    assert [path for path in wiped if not path.exists()] == []
    numpy.testing.assert_allclose(
        served_logits(triton, "wiped", models.first), models.first.logits, atol=1e-4, rtol=1e-3
    )


def test_service_killed_while_exporting_finishes_the_deployment(
    serving: Serving, triton: Triton, models: Models
) -> None:
    request = pb.CreateDeploymentRequest(deployment_id="interrupted", artifact=f"artifacts/{models.second.id}")
    serving.deployments.CreateDeployment(request)
    wait_until(lambda: get(serving, "interrupted").versions[0].export_job, "the export is submitted")
    job = get(serving, "interrupted").versions[0].export_job
    serving.kill()
    serving.start()
    serving.wait_ready()
    final = settled(serving, "interrupted")
    assert (final.state, final.serving_version) == (pb.DEPLOYMENT_STATE_READY, 1)
    assert final.versions[0].export_job == job
    served = served_logits(triton, "interrupted", models.second)
    numpy.testing.assert_allclose(served, models.second.logits, atol=1e-4, rtol=1e-3)


def test_both_killed_come_back_to_the_version_that_served(serving: Serving, triton: Triton, models: Models) -> None:
    deploy(serving, "both", models.first.servable)
    deploy(serving, "both", models.second.servable)
    serving.kill()
    triton.kill()
    triton.start()
    serving.start()
    serving.wait_ready()
    final = settled(serving, "both")
    assert (final.state, final.serving_version) == (pb.DEPLOYMENT_STATE_READY, 2)
    served = served_logits(triton, "both", models.second)
    numpy.testing.assert_allclose(served, models.second.logits, atol=1e-4, rtol=1e-3)


def test_stopped_service_ends_cleanly_and_triton_serves_on(serving: Serving, triton: Triton, models: Models) -> None:
    deploy(serving, "unattended", models.first.servable)
    request = pb.WatchDeploymentRequest(name="deployments/unattended", follow=True)
    watching = serving.deployments.WatchDeployment(request)
    assert next(watching).deployment.serving_version == 1
    status = serving.stop()
    code, details = refusal(lambda: list(watching))
    assert (status, code.name) == (0, "UNAVAILABLE")
    assert "reconnect" in details
    assert answers(triton, "unattended", models)
