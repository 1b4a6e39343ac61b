"""Evaluation: what the task measures, whatever the batch size, and a model as it was before."""

import pytest
import torch
from torch.utils.data import TensorDataset

from palmette_plugins.api import Dataset, JobCancelled
from palmette_plugins.api.resolve import load_dataset
from palmette_plugins.architectures.loading import load_model_reference
from palmette_plugins.engines.evaluation import evaluate


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits")


@pytest.fixture
def module(digits):
    return load_model_reference("zoo:resnet20?width=4", "model", digits.info, None, seed=0).module


def test_accuracy_is_that_of_the_whole_split(digits, module):
    figures = evaluate(module, digits, "test", device="cpu")

    images, classes = digits["test"].tensors
    with torch.inference_mode():
        predicted = module.eval()(images).argmax(1)
    assert figures["accuracy"] == int((predicted == classes).sum()) / 360
    assert set(figures) == {"accuracy", "loss", "ece"}


@pytest.mark.parametrize("batch_size", [1, 7, 360, 1000])
def test_the_batch_size_does_not_change_the_figures(digits, module, batch_size):
    expected = evaluate(module, digits, "test", device="cpu")

    assert evaluate(module, digits, "test", device="cpu", batch_size=batch_size) == pytest.approx(expected, abs=1e-5)


def test_the_model_keeps_its_mode_and_its_statistics(digits, module):
    module.train()
    module.bn1.eval()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}

    evaluate(module, digits, "validation", device="cpu")

    assert module.training
    assert not module.bn1.training
    assert all(torch.equal(before[name], tensor) for name, tensor in module.state_dict().items())


def test_any_map_style_split_will_do(digits, module):
    plain = Dataset(digits.info, digits.task, {"test": TensorDataset(*digits["test"].tensors)}, digits.fingerprint)

    expected = evaluate(module, digits, "test", device="cpu")
    assert evaluate(module, plain, "test", device="cpu") == pytest.approx(expected, abs=1e-5)


def test_a_cancelled_job_stops_between_batches_and_the_mode_is_restored(digits, module):
    module.train()
    calls = []

    def check():
        calls.append(1)
        if len(calls) == 2:
            raise JobCancelled("stop")

    with pytest.raises(JobCancelled):
        evaluate(module, digits, "test", device="cpu", check=check, batch_size=100)

    assert module.training


def test_a_language_model_is_measured_in_bits_per_byte():
    text = load_dataset("manual?context=32&limit=1&test_limit=10")
    model = load_model_reference("zoo:tiny-gpt?layers=1&d_model=16", "model", text.info, None, seed=0)

    figures = evaluate(model.module, text, "test", device="cpu")

    assert set(figures) == {"loss", "perplexity", "bits_per_byte"}
    assert figures["bits_per_byte"] == pytest.approx(8.0, abs=0.5)
