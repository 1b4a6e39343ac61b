"""Deployments and inference."""

from __future__ import annotations

import numpy as np
import pytest
from tests.sdk.tiny_suite import TinySuite

import palmette
from palmette.errors import DeploymentFailed, InvalidRequest, NotFound
from palmette.types import DeploymentState

ARTIFACT = "artifacts/" + "e" * 64


def test_deploying_waits_until_it_serves(client: palmette.Client) -> None:
    deployment = client.deploy("digits", ARTIFACT)

    assert deployment.state is DeploymentState.READY
    assert deployment.serving is not None
    assert deployment.serving.artifact == ARTIFACT


def test_a_deployment_that_fails_says_why_and_what_still_serves(client: palmette.Client, suite: TinySuite) -> None:
    client.deploy("digits", ARTIFACT)
    suite.deployments.refuse = "outputs differ from PyTorch by 0.3"

    with pytest.raises(DeploymentFailed, match=r"differ from PyTorch by 0\.3; version 1 goes on serving"):
        client.deploy("digits", ARTIFACT)


def test_rolling_back_serves_the_version_before(client: palmette.Client) -> None:
    client.deploy("digits", ARTIFACT)
    deployment = client.deploy("digits", ARTIFACT)

    assert deployment.rollback().info.serving_version == 1


def test_batches_are_cut_to_what_the_model_takes_and_joined_in_order(client: palmette.Client, suite: TinySuite) -> None:
    images = np.arange(11 * 6, dtype=np.float32).reshape(11, 2, 3)

    outputs = client.infer("double", images)

    np.testing.assert_array_equal(outputs, images * 2)
    assert sorted(suite.inference.batches) == [3, 4, 4]


def test_one_example_without_a_batch_gives_one_output(client: palmette.Client) -> None:
    image = np.ones((2, 3))

    output = client.infer("double", image)

    assert output.shape == (2, 3)
    assert output.dtype == np.float32


def test_torch_in_torch_out(client: palmette.Client) -> None:
    torch = pytest.importorskip("torch")
    images = torch.ones(5, 2, 3, requires_grad=True)

    outputs = client.infer("double", {"image": images})

    assert isinstance(outputs, torch.Tensor)
    assert torch.equal(outputs, torch.full((5, 2, 3), 2.0))


def test_everything_that_does_not_fit_is_said(client: palmette.Client, suite: TinySuite) -> None:
    with pytest.raises(InvalidRequest, match=r"has shape \(5, 3, 3\); the model takes \(any, 2, 3\)"):
        client.infer("double", np.ones((5, 3, 3)))
    with pytest.raises(InvalidRequest) as caught:
        client.infer("double", {"picture": np.ones((5, 2, 3))})
    assert {violation.field for violation in caught.value.violations} == {"inputs.picture", "inputs.image"}
    with pytest.raises(InvalidRequest, match="holds complex"):
        client.infer("double", np.ones((5, 2, 3)) * 1j)
    assert suite.inference.batches == []


def test_a_model_that_is_not_served_is_not_found(client: palmette.Client) -> None:
    with pytest.raises(NotFound, match="no model named 'triple' is served; `palmette deploy list`"):
        client.infer("triple", np.ones((1, 2, 3)))
