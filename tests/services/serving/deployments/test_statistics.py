"""Figures of a deployment are those of Triton."""

from __future__ import annotations

import pytest
from tests.services.serving.deployments.calls import deploy, infer, refusal
from tests.services.serving.models import Models
from tests.services.serving.processes import Serving, Triton

from palmette_protos.serving.v1 import deployment_pb2 as pb

pytestmark = pytest.mark.slow


def stats_of(serving: Serving, name: str) -> pb.DeploymentStats:
    request = pb.GetDeploymentStatsRequest(name=f"deployments/{name}")
    return serving.deployments.GetDeploymentStats(request).stats


def test_requests_latencies_and_batch_sizes_are_counted(serving: Serving, triton: Triton, models: Models) -> None:
    deploy(serving, "counted", models.first.servable)
    before = stats_of(serving, "counted")
    with triton.client() as client:
        for _ in range(40):
            infer(client, "counted", models.first.images[:5])
    after = stats_of(serving, "counted")
    assert after.version == 1
    assert after.inference_count - before.inference_count == 200
    assert after.execution_count - before.execution_count == 40
    assert after.executions_by_batch_size[5] - before.executions_by_batch_size[5] == 40
    assert after.failure_count == 0
    assert after.requests_per_s > 0.5
    assert 0 < after.p50_ms <= after.p99_ms
    assert after.compute_ms > 0
    assert after.queue_ms > 0


def test_deployment_that_does_not_serve_has_no_figures(serving: Serving, models: Models) -> None:
    deploy(serving, "never", models.first.servable, atol=1e-30, rtol=1e-30)
    code, details = refusal(lambda: stats_of(serving, "never"))
    assert code.name == "FAILED_PRECONDITION"
    assert "does not serve yet" in details
