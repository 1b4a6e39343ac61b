"""The task of image-text pairs."""

from __future__ import annotations

import math

import pytest
import torch

from palmette_plugins.api.resolve import describe_dataset, task


def outputs(images: torch.Tensor, texts: torch.Tensor, scale: float = 1.0) -> tuple[torch.Tensor, ...]:
    return images, texts, torch.full((len(images), 1), scale)


def test_loss_reads_the_scale_that_the_model_returns() -> None:
    pairs = torch.eye(8)
    assert float(task("contrastive-pairs").loss(outputs(pairs, pairs, 5.0), None)) == pytest.approx(
        math.log(1 + 7 * math.exp(-5.0)), rel=1e-5
    )


def test_retrieval_counts_the_whole_split_and_ties_as_found() -> None:
    meter = task("contrastive-pairs").meter()
    images, texts = torch.eye(4), torch.eye(4)
    texts = texts[[0, 0, 2, 1]]  # 0 right, 1 has the caption of 0, 2 right, 3 has that of 1
    meter.update(outputs(images[:2], texts[:2]), None)
    meter.update(outputs(images[2:], texts[2:]), None)
    found = meter.compute()
    # Image 3 is nearest to nothing, so all texts are equally near; image 1's own text is beaten by that of 3.
    assert found == {"retrieval": 3 / 4, "cosine": 0.5}


def test_nothing_measured_is_not_a_number() -> None:
    assert all(math.isnan(value) for value in task("contrastive-pairs").meter().compute().values())


def test_signature_names_both_inputs() -> None:
    io = task("contrastive-pairs").io(describe_dataset("captioned:digits", "data"))
    assert [(tensor.name, tensor.dtype, tensor.shape) for tensor in io.inputs] == [
        ("image", "float32", (1, 8, 8)),
        ("tokens", "int64", (16,)),
    ]
