"""The thin line through everything: submit, work, artifact, deploy, infer through Envoy."""

from __future__ import annotations

import numpy as np
import tritonclient.grpc
from tests.e2e.held_out import split
from tests.e2e.suite import Suite

import palmette
from palmette.types import ArtifactCommitted, MetricReported, ProgressMade, StateChanged


def test_from_submission_to_inference(client: palmette.Client, suite: Suite) -> None:
    job = client.submit("dense-training", model="zoo:mlp", data="digits", seed=0, recipe={"epochs": 1})
    events = list(job.watch())
    artifact = client.artifacts.get(job.outputs["model"])
    deployment = client.deploy("thin-line", artifact)
    digits = split("digits")
    logits = client.infer("thin-line", digits["image"])

    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    states = [event.state for event in events if isinstance(event, StateChanged)]
    assert states == ["QUEUED", "RUNNING", "SUCCEEDED"]
    assert any(isinstance(event, ProgressMade) for event in events)
    assert any(isinstance(event, MetricReported) and event.name == "accuracy" for event in events)
    assert any(isinstance(event, ArtifactCommitted) and event.artifact == artifact.name for event in events)
    assert artifact.job == job.name
    assert artifact.metrics["accuracy"] == job.metrics["accuracy"]
    assert deployment.serving is not None
    assert deployment.serving.parity is not None
    assert deployment.serving.parity.max_abs_difference < 1e-4
    assert (logits.argmax(axis=1) == digits["target"]).mean() == job.metrics["accuracy"]


def test_a_plain_tritonclient_gets_the_same(suite: Suite, deployed: str, client: palmette.Client) -> None:
    images = split("digits")["image"][:8]
    tensor = tritonclient.grpc.InferInput("image", list(images.shape), "FP32")
    tensor.set_data_from_numpy(images)
    headers = {"authorization": f"Bearer {suite.home.token.read_text().strip()}"}

    with tritonclient.grpc.InferenceServerClient(f"127.0.0.1:{suite.port}") as plain:
        logits = plain.infer(deployed, [tensor], headers=headers).as_numpy("logits")

    np.testing.assert_allclose(logits, client.infer(deployed, images), rtol=1e-6)


def test_stats_are_triton_s_own(client: palmette.Client, deployed: str) -> None:
    before = client.deployment(deployed).stats().inference_count
    client.infer(deployed, split("digits")["image"][:5])

    assert client.deployment(deployed).stats().inference_count == before + 5


def test_a_new_version_rolls_on_and_back(
    client: palmette.Client, digits_model: palmette.ArtifactName, second_model: palmette.ArtifactName
) -> None:
    image = split("digits")["image"][0]
    client.deploy("rolling", digits_model)
    first = client.infer("rolling", image)

    deployment = client.deploy("rolling", second_model)
    second = client.infer("rolling", image)
    deployment.rollback().wait()
    third = client.infer("rolling", image)

    assert deployment.info.serving_version == 1
    assert not np.allclose(first, second)
    np.testing.assert_array_equal(first, third)
    deployment.delete()
    assert "rolling" not in [each.id for each in client.deployments()]


def test_lineage_leads_from_a_pruned_model_to_the_dense_one(
    client: palmette.Client, digits_model: palmette.ArtifactName
) -> None:
    job = client.submit(
        "random-pruning",
        model=digits_model,
        data="digits",
        seed=0,
        density=0.3,
        reinitialise=False,
        recipe={"epochs": 1},
    ).wait()

    graph = client.artifacts.lineage(job.outputs["model"])

    assert (digits_model, job.outputs["model"]) in {(edge.parent, edge.child) for edge in graph.edges}
    assert (
        client.artifacts.get(job.outputs["model"]).metrics["nonzeros"]
        < client.artifacts.get(digits_model).metrics["nonzeros"]
    )


def test_quick_answers_without_a_job(client: palmette.Client, digits_model: palmette.ArtifactName) -> None:
    inspection = client.inspect_model(digits_model)
    plan = client.plan_sparsity("zoo:resnet20", data="digits", density=0.1, ratio="erk")

    assert inspection.parameters == client.artifacts.get(digits_model).metrics["parameters"]
    assert plan.kept == sum(layer.kept for layer in plan.layers)
    assert abs(plan.density - 0.1) < 1e-3
