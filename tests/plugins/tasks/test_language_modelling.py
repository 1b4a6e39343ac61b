"""Language modelling: nats, perplexity and bits per byte."""

import math

import pytest
import torch

from palmette_plugins.api.resolve import describe_dataset, task

LANGUAGE_MODELLING = task("language-modelling")


def test_a_uniform_guess_costs_eight_bits_a_byte():
    targets = torch.randint(0, 256, (3, 7))
    meter = LANGUAGE_MODELLING.meter()

    meter.update(torch.zeros(3, 7, 256), (None, targets))

    figures = meter.compute()
    assert figures["bits_per_byte"] == pytest.approx(8.0, abs=1e-5)
    assert figures["perplexity"] == pytest.approx(256.0, rel=1e-5)
    assert figures["loss"] == pytest.approx(math.log(256), abs=1e-5)


def test_the_mean_is_over_tokens_not_over_batches():
    meter = LANGUAGE_MODELLING.meter()
    sure = torch.zeros(1, 9, 2)
    sure[..., 0] = 100.0

    meter.update(sure, (None, torch.zeros(1, 9, dtype=torch.int64)))
    meter.update(torch.zeros(1, 1, 2), (None, torch.zeros(1, 1, dtype=torch.int64)))

    assert meter.compute()["bits_per_byte"] == pytest.approx(0.1, abs=1e-6)


def test_the_loss_trained_on_is_the_loss_measured():
    logits, targets = torch.randn(2, 5, 11), torch.randint(0, 11, (2, 5))
    meter = LANGUAGE_MODELLING.meter()
    meter.update(logits, (None, targets))

    assert LANGUAGE_MODELLING.loss(logits, (None, targets)).item() == pytest.approx(meter.compute()["loss"], abs=1e-5)


def test_infinite_surprise_is_infinite_perplexity_not_an_error():
    meter = LANGUAGE_MODELLING.meter()
    logits = torch.zeros(1, 1, 2)
    logits[..., 0] = 5000.0

    meter.update(logits, (None, torch.ones(1, 1, dtype=torch.int64)))

    assert meter.compute()["perplexity"] == math.inf


def test_the_signature_is_tokens_in_and_logits_out():
    io = LANGUAGE_MODELLING.io(describe_dataset("manual?context=64", "data"))

    assert [(spec.name, spec.dtype, spec.shape) for spec in (*io.inputs, *io.outputs)] == [
        ("tokens", "int64", (64,)),
        ("logits", "float32", (64, 256)),
    ]
