"""Classification: loss, accuracy and calibration against their definitions."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from palmette_plugins.api.resolve import describe_dataset, task
from palmette_plugins.tasks.calibration import CalibrationError

CLASSIFICATION = task("classification")


def measured(logits, classes, batch_size):
    """Return the meter's figures over batches of a size."""
    meter = CLASSIFICATION.meter()
    for start in range(0, len(classes), batch_size):
        stop = start + batch_size
        meter.update(logits[start:stop], (None, classes[start:stop]))
    return meter.compute()


def test_accuracy_and_loss_are_those_of_the_definition():
    logits, classes = torch.randn(50, 4, generator=torch.Generator().manual_seed(0)), torch.arange(50) % 4

    figures = measured(logits, classes, 50)

    probabilities = logits.double().softmax(1)[torch.arange(50), classes]
    assert figures["accuracy"] == int((logits.argmax(1) == classes).sum()) / 50
    assert figures["loss"] == pytest.approx(-probabilities.log().mean().item(), abs=1e-6)
    assert CLASSIFICATION.loss(logits, (None, classes)).item() == pytest.approx(figures["loss"], abs=1e-6)


@given(st.integers(1, 60))
def test_batches_do_not_change_what_is_measured(batch_size):
    logits, classes = torch.randn(50, 4, generator=torch.Generator().manual_seed(1)), torch.arange(50) % 4

    assert measured(logits, classes, batch_size) == pytest.approx(measured(logits, classes, 50), abs=1e-6)


def test_calibration_error_of_a_case_done_by_hand():
    # 4 answers at 0.9 of which 3 are right, 6 at 0.6 of which 3 are: 0.4 * |0.9 - 0.75| + 0.6 * |0.6 - 0.5|.
    meter = CalibrationError(15)
    meter.update(torch.tensor([0.9] * 4), torch.tensor([1, 1, 1, 0]))
    meter.update(torch.tensor([0.6] * 6), torch.tensor([1, 1, 1, 0, 0, 0]))

    assert meter.compute() == pytest.approx(0.4 * 0.15 + 0.6 * 0.1, abs=1e-6)


def test_a_sure_and_right_model_is_calibrated_and_a_sure_and_wrong_one_is_not():
    classes = torch.arange(10)
    sure = torch.eye(10) * 100

    assert measured(sure, classes, 10)["ece"] == pytest.approx(0.0, abs=1e-6)
    assert measured(sure.roll(1, 0), classes, 10)["ece"] == pytest.approx(1.0, abs=1e-6)


def test_nothing_measured_is_not_a_number():
    assert all(math.isnan(value) for value in CLASSIFICATION.meter().compute().values())


def test_the_signature_says_how_to_make_an_input_and_what_comes_out():
    info = describe_dataset("fashion-mnist", "data")

    io = CLASSIFICATION.io(info)

    assert [(spec.name, spec.dtype, spec.shape) for spec in (*io.inputs, *io.outputs)] == [
        ("image", "float32", (1, 28, 28)),
        ("logits", "float32", (10,)),
    ]
    assert io.inputs[0].preprocessing == {"scale": 1 / 255, "mean": [0.286], "std": [0.353]}
    assert io.labels[9] == "Ankle boot"
