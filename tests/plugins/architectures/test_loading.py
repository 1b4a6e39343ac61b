"""Loading: deterministic, without touching what is around, and clear about what does not fit."""

import pytest
import torch

from palmette_plugins.api import InvalidArgument, ModelSpec
from palmette_plugins.api.architecture import LoadedModel
from palmette_plugins.api.edits import apply_edit
from palmette_plugins.api.kinds import ArtifactKind
from palmette_plugins.api.resolve import describe_dataset
from palmette_plugins.architectures.loading import inspect_model_reference, load_model_reference
from palmette_plugins.architectures.weights_file import FILE_NAME


def loaded(reference, data, store=None, seed=0):
    return load_model_reference(reference, "inputs.model", data, store, seed=seed)


def weights(model):
    return torch.cat([parameter.detach().flatten() for parameter in model.module.parameters()])


@pytest.mark.parametrize("reference", ["zoo:resnet20?width=4", "timm:test_resnet"])
def test_a_new_model_depends_on_the_seed_alone_and_leaves_the_global_state(reference, digits):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first = loaded(reference, digits.info, seed=1)
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(3)

    again, other = loaded(reference, digits.info, seed=1), loaded(reference, digits.info, seed=2)

    assert torch.equal(weights(first), weights(again))
    assert not torch.equal(weights(first), weights(other))
    assert not first.pretrained
    assert first.artifact == ""


def test_an_artifact_comes_back_with_its_weights_its_id_and_its_signature(digits, store, save):
    model = loaded("zoo:resnet20?width=4", digits.info)
    reference = save(model, digits)

    back = loaded(reference[: len("artifact:") + 12], digits.info, store)

    assert torch.equal(weights(back), weights(model))
    assert f"artifact:{back.artifact}" == reference
    assert back.pretrained
    assert back.spec.io.outputs[0].shape == (10,)


def test_looking_at_an_artifact_reads_no_weights(digits, store, save):
    reference = save(loaded("zoo:resnet20?width=4", digits.info), digits)
    store.local_path(reference.removeprefix("artifact:"), FILE_NAME).unlink()

    seen = inspect_model_reference(reference, "model", digits.info, store)

    assert next(seen.module.parameters()).is_meta
    assert seen.spec.task == "classification"


def test_structures_are_shared_and_take_no_memory(digits):
    first, again = (inspect_model_reference("zoo:wrn-28-10", "model", digits.info, None) for _ in range(2))

    assert first.module is again.module
    assert all(parameter.is_meta for parameter in first.module.parameters())


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("zoo:resnet20?in_channels=3", "has in_channels=3, but the data has 1"),
        ("zoo:resnet20?num_classes=7", "has num_classes=7, but the data has 10"),
        ("zoo:mlp?in_features=99", "has in_features=99, but the data has 64"),
        (
            "timm:resnet18?in_chans=3&num_classes=5",
            "in_chans=3, but the data has 1.*num_classes=5|num_classes=5.*in_chans=3",
        ),
        ("zoo:tiny-gpt", "does language-modelling, but the data is for classification"),
        ("timm:vit_tiny_patch16_224", "cannot take the data's inputs of 1x8x8"),
        ("artifact:0123456789", "no artifact whose id starts with '0123456789'"),
        ("artifact:xyz", "not an artifact id"),
    ],
)
def test_what_does_not_fit_the_data_is_refused_with_both_numbers(reference, said, digits, store):
    with pytest.raises(InvalidArgument, match=said) as caught:
        inspect_model_reference(reference, "inputs.model", digits.info, store)
    assert {violation.field for violation in caught.value.violations} == {"inputs.model"}


def test_an_artifact_that_does_not_fit_is_refused_with_both_numbers(digits, fashion, manual, store, save, tmp_path):
    small = save(loaded("zoo:mlp?hidden=8", digits.info), digits)
    colour = describe_dataset_of_colour_images(tmp_path)
    convolutional = save(loaded("zoo:resnet20?width=4", digits.info), digits)
    text = save(loaded("zoo:tiny-gpt?layers=1&d_model=16", manual.info), manual)

    for reference, data, said in (
        (small, fashion, "cannot take the data's inputs of 1x28x28"),
        (convolutional, colour, "has 10 classes, but the data has 2"),
        (convolutional, colour, "has 1 input channels, but the data has 3"),
        (text, fashion, "is a language-modelling model, but the data is for classification"),
    ):
        with pytest.raises(InvalidArgument, match=said):
            inspect_model_reference(reference, "model", data, store)
    assert inspect_model_reference(convolutional, "model", fashion, store).artifact


def describe_dataset_of_colour_images(folder):
    import numpy as np
    from PIL import Image

    for name in ("ant", "bee"):
        (folder / "colour" / name).mkdir(parents=True)
        for index in range(4):
            Image.fromarray(np.full((8, 8, 3), index, np.uint8)).save(folder / "colour" / name / f"{index}.png")
    return describe_dataset(f"imagefolder:{folder}/colour", "data")


def test_artifacts_of_other_kinds_and_without_a_store_are_refused(digits, store, save):
    model = loaded("zoo:mlp?hidden=8", digits.info)
    report = save(model, digits, kind=ArtifactKind.REPORT)

    with pytest.raises(InvalidArgument, match="is a report artifact, not a model"):
        loaded(report, digits.info, store)
    with pytest.raises(InvalidArgument, match="no artifact store is set"):
        loaded(report, digits.info, None)
    with pytest.raises(InvalidArgument, match="takes no parameters"):
        loaded(f"{report}?x=1", digits.info, store)


def test_corrupted_weights_are_refused_by_name(digits, store, save):
    reference = save(loaded("zoo:mlp?hidden=8", digits.info), digits)
    path = store.local_path(reference.removeprefix("artifact:"), FILE_NAME)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)

    with pytest.raises(InvalidArgument, match=r"weights\.safetensors' of artifact .* is corrupted"):
        loaded(reference, digits.info, store)


def test_an_unknown_edit_in_a_spec_is_named(digits, store, save):
    model = loaded("zoo:mlp?hidden=8", digits.info)
    reference = save(model.replaced(spec=model.spec.with_edit("drop_block", names=[])), digits)

    with pytest.raises(InvalidArgument, match="no edit named 'drop_block'; did you mean 'drop_blocks'"):
        loaded(reference, digits.info, store)


def test_weights_of_another_structure_are_refused_by_name(digits, store, save):
    model = loaded("zoo:mlp?hidden=8", digits.info)
    wrong = LoadedModel(model.module, ModelSpec(architecture="zoo:mlp?in_features=64&num_classes=10&hidden=9"), "")
    reference = save(wrong, digits)

    with pytest.raises(InvalidArgument, match=r"layers\.0\.weight is \(8, 64\), not \(9, 64\)"):
        loaded(reference, digits.info, store)


def test_a_chain_of_edits_is_replayed(digits, store, save):
    model = loaded("zoo:resnet20?width=4", digits.info)
    for name, arguments in (
        ("drop_blocks", {"names": ["stages.0.1"]}),
        ("mask", {"layers": ["conv1", "fc"]}),
        ("drop_blocks", {"names": ["stages.2.2", "stages.0.0"]}),
    ):
        spec = model.spec.with_edit(name, **arguments)
        model = model.replaced(spec=spec, module=apply_edit(model.module, spec.edits[-1]))
    model.module.conv1.weight_mask[1] = False

    back = loaded(save(model, digits), digits.info, store)

    assert list(back.module.state_dict()) == list(model.module.state_dict())
    assert all(
        torch.equal(tensor, back.module.state_dict()[name]) for name, tensor in model.module.state_dict().items()
    )
    assert back.spec.edits == model.spec.edits
