"""Rolling to a new version and back costs no request."""

from __future__ import annotations

import numpy
import pytest
from tests.services.serving.deployments.calls import ClientLoop, delete, deploy, get, refusal, served_logits, settled
from tests.services.serving.models import Models
from tests.services.serving.processes import Serving, Triton, wait_until
from tritonclient.utils import InferenceServerException

from palmette_protos.serving.v1 import deployment_pb2 as pb

pytestmark = pytest.mark.slow


def rollback(serving: Serving, name: str, version: int = 0) -> pb.Deployment:
    request = pb.RollbackDeploymentRequest(name=f"deployments/{name}", version=version)
    serving.deployments.RollbackDeployment(request)
    return settled(serving, name)


def test_no_request_fails_while_rolling_forth_and_back(serving: Serving, triton: Triton, models: Models) -> None:
    deploy(serving, "rolling", models.first.servable)
    with ClientLoop(triton, "rolling", models.first.images[:4]) as loop:
        wait_until(lambda: "1" in loop.versions, "version 1 answers")
        rolled = deploy(serving, "rolling", models.second.servable)
        wait_until(lambda: loop.versions[-1] == "2", "version 2 answers")
        forth = served_logits(triton, "rolling", models.second)
        back = rollback(serving, "rolling")
        wait_until(lambda: loop.versions[-1] == "1", "version 1 answers again")
    assert loop.errors == []
    assert [version for at, version in enumerate(loop.versions) if at == 0 or loop.versions[at - 1] != version] == [
        "1",
        "2",
        "1",
    ]
    assert (rolled.serving_version, back.serving_version) == (2, 1)
    assert [version.state for version in back.versions] == [pb.DEPLOYMENT_STATE_RETIRED, pb.DEPLOYMENT_STATE_READY]
    numpy.testing.assert_allclose(forth, models.second.logits, atol=1e-4, rtol=1e-3)
    numpy.testing.assert_allclose(
        served_logits(triton, "rolling", models.first), models.first.logits, atol=1e-4, rtol=1e-3
    )


def test_version_that_misses_the_tolerance_is_refused_and_the_former_serves_on(
    serving: Serving, triton: Triton, models: Models
) -> None:
    deploy(serving, "strict", models.first.servable)
    refused = deploy(serving, "strict", models.second.servable, atol=1e-30, rtol=1e-30)
    newest = refused.versions[0]
    assert (refused.state, refused.serving_version) == (pb.DEPLOYMENT_STATE_FAILED, 1)
    assert "differs from PyTorch" in newest.error.message
    assert "up to" in newest.error.message
    served = served_logits(triton, "strict", models.first)
    numpy.testing.assert_allclose(served, models.first.logits, atol=1e-4, rtol=1e-3)


def test_newer_request_supersedes_one_under_way(serving: Serving, models: Models) -> None:
    for artifact in (models.first.id, models.second.id):
        request = pb.CreateDeploymentRequest(deployment_id="hasty", artifact=f"artifacts/{artifact}")
        serving.deployments.CreateDeployment(request)
    final = settled(serving, "hasty")
    assert (final.state, final.serving_version) == (pb.DEPLOYMENT_STATE_READY, 2)
    assert final.versions[1].state == pb.DEPLOYMENT_STATE_FAILED
    assert final.versions[1].error.message == "superseded by version 2"


def test_rollback_needs_a_version_that_served(serving: Serving, models: Models) -> None:
    deploy(serving, "young", models.first.servable)
    code, details = refusal(lambda: rollback(serving, "young"))
    assert (code.name, details) == ("FAILED_PRECONDITION", "no version of 'young' served before version 1")
    code, _ = refusal(lambda: rollback(serving, "young", version=9))
    assert code.name == "NOT_FOUND"


def test_deleted_deployment_is_gone_from_triton_and_its_name_is_free(
    serving: Serving, triton: Triton, models: Models
) -> None:
    deploy(serving, "short-lived", models.first.servable)
    delete(serving, "short-lived")
    code, _ = refusal(lambda: get(serving, "short-lived"))
    assert code.name == "NOT_FOUND"
    assert not (triton.repository / "short-lived").exists()
    with pytest.raises(InferenceServerException, match="unknown model"):
        served_logits(triton, "short-lived", models.first)
    assert deploy(serving, "short-lived", models.second.servable).serving_version == 1


def test_requests_under_way_are_answered_before_a_model_is_unloaded(
    serving: Serving, triton: Triton, models: Models
) -> None:
    deploy(serving, "drained", models.first.servable)
    with ClientLoop(triton, "drained", models.first.images[:64]) as loop:
        wait_until(lambda: len(loop.versions) > 20, "requests flow")
        delete(serving, "drained")
        wait_until(lambda: bool(loop.errors), "requests are refused")
    assert all("unknown model" in error or "not ready" in error or "unload" in error for error in loop.errors)
