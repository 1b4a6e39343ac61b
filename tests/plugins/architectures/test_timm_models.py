"""`timm:`: new models, local weights, and what timm cannot do."""

import pytest
import safetensors.torch
import timm
import torch

from palmette_plugins.api import InvalidArgument
from palmette_plugins.architectures.loading import inspect_model_reference, load_model_reference


def loaded(reference, data):
    return load_model_reference(reference, "model", data, None, seed=0)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """Weights of a colour model with 1000 classes, as they are found in the world."""
    module = timm.create_model("resnet18")
    path = tmp_path_factory.mktemp("timm") / "resnet18.safetensors"
    safetensors.torch.save_file(module.state_dict(), path)
    return path, module


def test_data_decides_classes_and_channels(fashion):
    model = loaded("timm:resnet18", fashion)

    assert model.spec.architecture == "timm:resnet18?num_classes=10&in_chans=1"
    assert model.module(torch.zeros(2, 1, 28, 28)).shape == (2, 10)
    assert not model.pretrained


def test_local_weights_are_loaded_and_the_classifier_starts_anew(fashion, checkpoint):
    path, original = checkpoint

    model = loaded(f"timm:resnet18?checkpoint={path}", fashion)

    assert model.pretrained
    assert torch.equal(model.module.layer1[0].conv1.weight, original.layer1[0].conv1.weight)
    assert model.module.fc.weight.shape == (10, 512)


def test_an_artifact_does_not_need_the_weights_it_came_from(digits, checkpoint, store, save):
    path, _ = checkpoint
    model = load_model_reference(f"timm:resnet18?checkpoint={path}", "model", digits.info, store, seed=0)
    reference = save(model, digits)

    assert str(path) not in store.manifest(reference.removeprefix("artifact:")).spec.model_dump_json()
    back = load_model_reference(reference, "model", digits.info, store, seed=0)
    assert torch.equal(back.module.layer1[0].conv1.weight, model.module.layer1[0].conv1.weight)


def test_a_damaged_checkpoint_is_refused(fashion, tmp_path):
    path = tmp_path / "broken.safetensors"
    path.write_bytes(b"no weights")

    with pytest.raises(InvalidArgument, match="timm cannot make"):
        loaded(f"timm:resnet18?checkpoint={path}", fashion)


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("timm", "needs the name of a model"),
        ("timm:resnet_18", "did you mean 'resnet18'"),
        ("timm:hf-hub:someone/model", "no timm model named"),
        ("timm:../../etc", "no timm model named"),
        ("timm:resnet18?checkpoint=/nowhere.safetensors", "no file '/nowhere.safetensors'"),
        ("timm:resnet18?img_size=64", "unexpected keyword argument 'img_size'"),
        ("timm:resnet18?pretrained=perhaps", "valid boolean"),
        ("timm:resnet18?depth=3", "no parameter 'depth'"),
    ],
)
def test_what_timm_cannot_make_is_refused_before_a_job_is_accepted(reference, said, fashion):
    with pytest.raises(InvalidArgument, match=said):
        inspect_model_reference(reference, "model", fashion, None)
