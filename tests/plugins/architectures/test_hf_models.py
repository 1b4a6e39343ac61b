"""`hf:`: local checkpoint folders of transformers."""

import json

import pytest
import torch
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    ViTConfig,
    ViTForImageClassification,
    ViTModel,
)

from palmette_plugins.api import InvalidArgument
from palmette_plugins.api.edits import apply_edit
from palmette_plugins.architectures.loading import inspect_model_reference, load_model_reference

GPT2 = GPT2Config(vocab_size=256, n_embd=16, n_layer=2, n_head=2, n_positions=64, bos_token_id=0, eos_token_id=0)
LLAMA = LlamaConfig(
    vocab_size=256, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
    max_position_embeddings=64, pad_token_id=0,
)  # fmt: skip
VIT = ViTConfig(
    hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, image_size=8, patch_size=4,
    num_channels=1, num_labels=5,
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a function that writes a checkpoint folder."""

    def write(model):
        path = tmp_path_factory.mktemp("checkpoint")
        model.save_pretrained(path)
        return path

    return write


@pytest.mark.parametrize("make", [lambda: GPT2LMHeadModel(GPT2), lambda: LlamaForCausalLM(LLAMA)])
def test_a_language_model_answers_as_transformers_does(make, folder, manual):
    original = make().eval()

    model = load_model_reference(f"hf:{folder(original)}", "model", manual.info, None, seed=0)

    tokens = manual["test"].tensors[0][:2]
    with torch.inference_mode():
        assert torch.allclose(model.module.eval()(tokens), original(input_ids=tokens).logits, atol=1e-5)
    assert model.pretrained


def test_an_image_classifier_gets_a_new_head_for_other_classes(folder, digits):
    original = ViTForImageClassification(VIT)

    model = load_model_reference(f"hf:{folder(original)}", "model", digits.info, None, seed=0)

    assert model.module(digits["test"].tensors[0][:3]).shape == (3, 10)
    name = "vit.embeddings.patch_embeddings.projection.weight"
    assert torch.equal(model.module.model.state_dict()[name], original.state_dict()[name])


@pytest.mark.parametrize("make", [lambda: GPT2LMHeadModel(GPT2), lambda: ViTForImageClassification(VIT)])
def test_an_edited_model_comes_back_from_its_artifact_without_the_folder(make, folder, digits, manual, store, save):
    original = make()
    data = manual if isinstance(original, GPT2LMHeadModel) else digits
    path = folder(original)
    model = load_model_reference(f"hf:{path}", "model", data.info, store, seed=0)
    block = "model.transformer.h.0" if data is manual else "model.vit.layers.0"
    model = model.replaced(spec=model.spec.with_edit("drop_blocks", names=[block]))
    model = model.replaced(module=apply_edit(model.module, model.spec.edits[-1]))
    reference = save(model, data)
    for file in path.iterdir():
        file.unlink()

    back = load_model_reference(reference, "model", data.info, store, seed=0)

    inputs = data["test"].tensors[0][:2]
    with torch.inference_mode():
        assert torch.equal(back.module.eval()(inputs), model.module.eval()(inputs))


def test_checking_a_checkpoint_reads_no_weights(folder, manual):
    path = folder(GPT2LMHeadModel(GPT2))
    (path / "model.safetensors").unlink()

    seen = inspect_model_reference(f"hf:{path}", "model", manual.info, None)

    assert next(seen.module.parameters()).is_meta
    with pytest.raises(InvalidArgument, match="cannot read the checkpoint"):
        load_model_reference(f"hf:{path}", "model", manual.info, None, seed=0)


def test_damaged_weights_are_refused(folder, manual):
    path = folder(GPT2LMHeadModel(GPT2))
    (path / "model.safetensors").write_bytes(b"no weights at all")

    with pytest.raises(InvalidArgument, match="cannot read the checkpoint"):
        load_model_reference(f"hf:{path}", "model", manual.info, None, seed=0)


def refused(reference, data):
    with pytest.raises(InvalidArgument) as caught:
        inspect_model_reference(reference, "inputs.model", data, None)
    assert {violation.field for violation in caught.value.violations} == {"inputs.model"}
    return str(caught.value)


def test_what_does_not_fit_is_refused_with_both_numbers(folder, digits, manual, fashion):
    gpt = folder(GPT2LMHeadModel(GPT2Config(**{**GPT2.to_dict(), "vocab_size": 300, "n_positions": 16})))
    vit = folder(ViTForImageClassification(ViTConfig(**{**VIT.to_dict(), "num_channels": 3})))

    said = refused(f"hf:{gpt}", manual.info)
    assert "a vocabulary of 300, but the data has one of 256" in said
    assert "takes 16 tokens at most, but the data has 32" in said
    assert "has 3 input channels, but the data has 1" in refused(f"hf:{vit}", digits.info)


def test_folders_that_hold_no_usable_checkpoint_are_refused(folder, manual, tmp_path):
    assert "does not exist" in refused(f"hf:{tmp_path}/nowhere", manual.info)
    assert "has no config.json" in refused(f"hf:{tmp_path}", manual.info)
    (tmp_path / "config.json").write_text("{")
    assert "no configuration that transformers understands" in refused(f"hf:{tmp_path}", manual.info)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "nonsense"}))
    assert "no configuration that transformers understands" in refused(f"hf:{tmp_path}", manual.info)
    features = folder(ViTModel(VIT))
    assert "holds ViTModel; supported are causal language models, image classifiers and text encoders" in refused(
        f"hf:{features}", manual.info
    )
