"""Saving: samples that an export can be checked on, and a spec that needs nothing else."""

import pytest
import torch

from palmette_plugins.api import DataLoss
from palmette_plugins.architectures import samples
from palmette_plugins.architectures.loading import load_model_reference


def path_of(store, reference, name):
    return store.local_path(reference.removeprefix("artifact:"), name)


@pytest.mark.parametrize("reference", ["zoo:resnet20?width=4", "zoo:tiny-gpt?layers=1&d_model=16"])
def test_samples_are_the_first_held_out_inputs_with_the_models_own_answers(reference, digits, manual, store, save):
    data = manual if "gpt" in reference else digits
    model = load_model_reference(reference, "model", data.info, store, seed=0)
    saved = save(model, data)

    spec = store.manifest(saved.removeprefix("artifact:")).spec
    read = samples.read_samples(path_of(store, saved, samples.FILE_NAME), spec.io)

    assert list(read.inputs) == [spec.io.inputs[0].name]
    assert torch.equal(read.inputs[spec.io.inputs[0].name], data["test"].tensors[0][:16])
    with torch.inference_mode():
        expected = model.module.eval()(data["test"].tensors[0][:16])
    assert torch.allclose(read.outputs["logits"], expected, atol=1e-6)


def test_saving_leaves_the_model_training_and_its_statistics_alone(digits, store, save):
    model = load_model_reference("zoo:resnet20?width=4", "model", digits.info, store, seed=0)
    model.module.train()
    model.module.bn1.eval()
    before = {name: tensor.clone() for name, tensor in model.module.state_dict().items()}

    save(model, digits)

    assert model.module.training
    assert not model.module.bn1.training
    assert all(torch.equal(before[name], tensor) for name, tensor in model.module.state_dict().items())


def test_the_spec_gets_task_signature_and_labels_of_the_data(digits, store, save):
    model = load_model_reference("zoo:mlp?in_features=64", "model", None, store, seed=0)

    spec = store.manifest(save(model, digits).removeprefix("artifact:")).spec

    assert spec.task == "classification"
    assert spec.io.inputs[0].shape == (1, 8, 8)
    assert spec.io.labels == tuple("0123456789")
    assert spec.runtime == "onnx"


def test_without_data_there_are_weights_but_nothing_to_serve(store, save):
    model = load_model_reference("zoo:mlp?in_features=64", "model", None, store, seed=0)

    manifest = store.manifest(save(model, None).removeprefix("artifact:"))

    assert [file.path for file in manifest.files] == ["weights.safetensors"]
    assert manifest.spec.io is None


def test_damaged_samples_are_data_loss(digits, store, save):
    saved = save(load_model_reference("zoo:mlp", "model", digits.info, store, seed=0), digits)
    spec = store.manifest(saved.removeprefix("artifact:")).spec
    content = path_of(store, saved, samples.FILE_NAME).read_bytes()
    damaged = store.incoming_path()

    for wrong in (content[:-5], b"", path_of(store, saved, "weights.safetensors").read_bytes()):
        damaged.write_bytes(wrong)
        with pytest.raises(DataLoss, match="is damaged"):
            samples.read_samples(damaged, spec.io)
