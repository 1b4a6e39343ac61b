"""`hf:` text encoders: dense ones and those of weights over words, with the tokenizer that travels with them."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing
from transformers import BertConfig, BertForMaskedLM, BertModel, RobertaConfig, RobertaModel

from palmette_plugins.api import InvalidArgument, Reference
from palmette_plugins.architectures.loading import inspect_model_reference, load_model_reference
from palmette_plugins.architectures.text_encoders import Pooling, pool, splade_weights, unicoil_weights

WORDS = ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "cats", "dogs", "chase", "mice"]
SMALL = BertConfig(
    vocab_size=len(WORDS), hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
    max_position_embeddings=32,
)  # fmt: skip


def checkpoint(path: Path, model: Any, **files: Any) -> Path:
    """Write a checkpoint with a tokenizer, and JSON files by name."""
    model.save_pretrained(path)
    tokenizer = Tokenizer(WordLevel({word: index for index, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)])
    tokenizer.save(str(path / "tokenizer.json"))
    for name, content in files.items():
        (path / f"{name}.json").write_text(json.dumps(content))
    return path


def load(reference: str) -> Any:
    return load_model_reference(reference, "model", None, None, seed=0)


def texts() -> tuple[torch.Tensor, torch.Tensor]:
    tokens = torch.tensor([[1, 4, 6, 2], [1, 5, 2, 0]])
    return tokens, (tokens != 0).long()


def test_padding_does_not_count_in_a_mean() -> None:
    states = torch.tensor([[[1.0, 2.0], [3.0, 4.0], [100.0, 100.0]]])
    mask = torch.tensor([[1, 1, 0]])
    assert pool(states, mask, Pooling.MEAN).tolist() == [[2.0, 3.0]]
    assert pool(states, mask, Pooling.CLS).tolist() == [[1.0, 2.0]]
    assert pool(-states, mask, Pooling.MAX).tolist() == [[-1.0, -2.0]]


@pytest.mark.parametrize("pooling", ["mean", "cls", "max"])
def test_more_padding_leaves_an_embedding_unchanged(tmp_path: Path, pooling: str) -> None:
    encoder = load(f"hf:{checkpoint(tmp_path, BertModel(SMALL))}?pooling={pooling}").module.eval()
    tokens, mask = texts()
    padded = [torch.nn.functional.pad(part, (0, 5)) for part in (tokens, mask)]
    with torch.inference_mode():
        assert torch.allclose(encoder(tokens, mask), encoder(*padded), atol=1e-6)


def test_a_dense_encoder_is_transformers_model_pooled(tmp_path: Path) -> None:
    original = BertModel(SMALL).eval()
    model = load(f"hf:{checkpoint(tmp_path, original)}?normalize=true")
    tokens, mask = texts()
    with torch.inference_mode():
        states = original(input_ids=tokens, attention_mask=mask).last_hidden_state
        expected = torch.nn.functional.normalize(pool(states, mask, Pooling.MEAN), dim=-1)
        assert torch.allclose(model.module.eval()(tokens, mask), expected, atol=1e-6)
    assert model.spec.task == "ranking"
    assert [tensor.shape for tensor in model.spec.io.inputs + model.spec.io.outputs] == [(-1,), (-1,), (8,)]
    assert json.loads(model.assets["encoder.json"])["max_tokens"] == 32


def test_the_pooler_that_is_not_used_is_not_there() -> None:
    config = BertConfig(architectures=["BertModel"]).to_json_string()
    encoder = inspect_model_reference(str(Reference("hf", "bert", {"config": config})), "model", None, None)
    assert sum(parameter.numel() for parameter in encoder.module.parameters()) == 108_891_648


def test_a_sentence_transformers_folder_says_how_it_pools(tmp_path: Path) -> None:
    folder = checkpoint(
        tmp_path,
        BertModel(SMALL),
        modules=[
            {"path": "", "type": "x.Transformer"},
            {"path": "1_Pooling", "type": "x.Pooling"},
            {"type": "x.Normalize"},
        ],
        sentence_bert_config={"max_seq_length": 16},
        config_sentence_transformers={"prompts": {"query": "q: ", "document": "d: "}},
    )
    (folder / "1_Pooling").mkdir()
    pooling = {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False, "word_embedding_dimension": 8}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    model = load(f"hf:{folder}")
    assert (model.module.pooling, model.module.normalize) == (Pooling.CLS, True)
    settings = json.loads(model.assets["encoder.json"])
    assert (settings["max_tokens"], settings["query_prefix"], settings["passage_prefix"]) == (16, "q: ", "d: ")
    assert load(f"hf:{folder}?pooling=max&query_prefix=").module.pooling is Pooling.MAX


def test_splade_takes_the_largest_logarithm_of_each_word() -> None:
    logits = torch.tensor([[[1.0, -1.0], [3.0, 0.5], [9.0, 9.0]]])
    weights = splade_weights(logits, torch.tensor([[1, 1, 0]]))
    assert weights.flatten().tolist() == pytest.approx([math.log(4), math.log(1.5)])


def test_unicoil_takes_the_largest_weight_of_each_word_and_leaves_the_first_out() -> None:
    tokens, mask = torch.tensor([[3, 1, 2, 1, 0]]), torch.tensor([[1, 1, 1, 1, 0]])
    weights = unicoil_weights(torch.tensor([[9.0, 0.5, -2.0, 1.5, 7.0]]), tokens, mask, 5)
    assert weights.tolist() == [[0.0, 1.5, 0.0, 0.0, 0.0]]


def test_a_masked_language_model_is_a_splade_encoder_where_asked_for(tmp_path: Path) -> None:
    original = BertForMaskedLM(SMALL).eval()
    folder = checkpoint(tmp_path, original)
    model = load(f"hf:{folder}?encoder=splade")
    tokens, mask = texts()
    with torch.inference_mode():
        expected = splade_weights(original(input_ids=tokens, attention_mask=mask).logits, mask)
        assert torch.allclose(model.module.eval()(tokens, mask), expected, atol=1e-6)
    assert model.spec.io.outputs[0].shape == (len(WORDS),)
    assert load(f"hf:{folder}").module.pooling is Pooling.MEAN  # without the parameter: its states


def test_a_unicoil_checkpoint_brings_its_layer(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path, BertModel(SMALL))
    with pytest.raises(InvalidArgument, match="no tok_proj"):
        load(f"hf:{folder}?encoder=unicoil")
    weights = load_file(folder / "model.safetensors")
    weights |= {"tok_proj.weight": torch.full((1, 8), 0.5), "tok_proj.bias": torch.full((1,), 0.25)}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    encoder = load(f"hf:{folder}?encoder=unicoil").module
    assert encoder.tok_proj.bias.item() == 0.25
    tokens, mask = texts()
    found = encoder.eval()(tokens, mask)
    assert found.shape == (2, len(WORDS))
    assert set(found[1].nonzero().flatten().tolist()) <= {5, 2}


def test_an_encoder_comes_back_from_its_artifact_with_its_tokenizer(tmp_path: Path, store: Any, save: Any) -> None:
    model = load(f"hf:{checkpoint(tmp_path / 'folder', BertModel(SMALL))}?normalize=true&query_prefix=q:")
    tokens, mask = texts()
    reference = save(model, None)
    for file in (tmp_path / "folder").iterdir():
        file.unlink()

    back = load_model_reference(reference, "model", None, store, seed=0)

    assert back.assets == model.assets
    assert back.spec == model.spec
    with torch.inference_mode():
        assert torch.equal(back.module.eval()(tokens, mask), model.module.eval()(tokens, mask))


def test_positions_of_padding_are_not_for_texts(tmp_path: Path) -> None:
    config = RobertaConfig(
        vocab_size=len(WORDS), hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        max_position_embeddings=34, pad_token_id=1,
    )  # fmt: skip
    folder = checkpoint(tmp_path, RobertaModel(config))
    assert json.loads(load(f"hf:{folder}").assets["encoder.json"])["max_tokens"] == 32


@pytest.mark.parametrize(
    ("reference", "text"),
    [
        ("hf:{folder}?max_tokens=33", "max_tokens is at most 32, got 33"),
        ("hf:{folder}?pooling=sum", "parameter 'pooling'"),
        ("hf:{modules}", "has the module Dense, which hf: cannot do"),
        ("hf:{pooling}", "pools by"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, reference: str, text: str) -> None:
    folders = {
        "folder": checkpoint(tmp_path / "folder", BertModel(SMALL)),
        "modules": checkpoint(tmp_path / "modules", BertModel(SMALL), modules=[{"path": "", "type": "x.Dense"}]),
        "pooling": checkpoint(tmp_path / "pooling", BertModel(SMALL), modules=[{"path": "1", "type": "x.Pooling"}]),
    }
    with pytest.raises(InvalidArgument, match=text):
        load(reference.format(**folders))


def test_the_packaged_encoder_is_a_sentence_encoder() -> None:
    model = inspect_model_reference("hf:minilm", "model", None, None)
    assert model.spec.io.outputs[0].shape == (384,)
    assert sum(parameter.numel() for parameter in model.module.parameters()) == 22_565_376
    assert (model.module.pooling, model.module.normalize) == (Pooling.MEAN, True)
