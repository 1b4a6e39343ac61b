"""What the spine carries besides one image network: language models, and several models as one."""

from __future__ import annotations

import numpy as np
import pytest
from tests.e2e.held_out import split

import palmette
from palmette.types import Runtime

TEXT = "manual?context=64&limit=2000&test_limit=200"


@pytest.mark.slow
def test_random_pruning_runs_unchanged_on_a_language_model(client: palmette.Client) -> None:
    job = client.submit(
        "random-pruning",
        model="zoo:tiny-gpt?d_model=64&layers=2",
        data=TEXT,
        seed=0,
        density=0.3,
        recipe={"epochs": 1, "max_steps": 60, "optimizer": "adamw", "batch_size": 32},
    ).wait(timeout_s=240)
    artifact = client.artifacts.get(job.outputs["model"])
    client.deploy("tiny-gpt", artifact)
    tokens = split(TEXT)["tokens"][:4]

    logits = client.infer("tiny-gpt", tokens)

    assert logits.shape == (4, 64, 256)
    assert 1.0 < job.metrics["bits_per_byte"] < 8.0
    assert artifact.metrics["nonzeros"] < 0.6 * artifact.metrics["parameters"]


@pytest.mark.slow
def test_an_ensemble_of_artifacts_from_job_to_inference(
    client: palmette.Client, digits_model: palmette.ArtifactName, second_model: palmette.ArtifactName, deployed: str
) -> None:
    members = [digits_model, second_model]
    ensemble = client.submit("model-averaging", models=members, data="digits").wait(timeout_s=120)
    artifact = client.artifacts.get(ensemble.outputs["model"])
    deployment = client.deploy("ensemble", artifact)
    client.deploy("second", second_model)
    digits = split("digits")

    logits = client.infer("ensemble", digits["image"])

    assert set(artifact.parents) == set(members)
    assert deployment.serving is not None
    assert deployment.serving.runtime is Runtime.TORCH
    mean = np.mean([client.infer(name, digits["image"]) for name in (deployed, "second")], axis=0)
    np.testing.assert_allclose(logits, mean, atol=1e-4)
    assert (logits.argmax(axis=1) == digits["target"]).mean() == pytest.approx(ensemble.metrics["accuracy"])
