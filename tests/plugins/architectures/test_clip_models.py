"""Two-tower models: sizes, unit vectors, preparation."""

from __future__ import annotations

import pytest
import torch

from palmette_plugins.api import InvalidArgument, NotFound
from palmette_plugins.api.references import Reference
from palmette_plugins.api.resolve import architecture_provider, describe_dataset
from palmette_plugins.api.spec import ModelSpec
from palmette_plugins.architectures.clip_models import Clip, preparation
from palmette_plugins.architectures.loading import load_model_reference
from palmette_plugins.architectures.structure import structure_of
from palmette_plugins.engines.contrastive.towers import Towers


def completed(text: str, data: str | None = None) -> Reference:
    reference = Reference.parse(text)
    return architecture_provider(reference).complete(reference, describe_dataset(data, "data") if data else None)


@pytest.mark.parametrize(
    ("name", "parameters"), [("vit_b_32", 151_277_313), ("ViT-B-16", 149_620_737), ("ViT-L-14", 427_616_513)]
)
def test_the_papers_pairs_have_their_parameters(name: str, parameters: int) -> None:
    module = structure_of(ModelSpec(architecture=str(completed(f"clip:{name}"))))
    assert sum(parameter.numel() for parameter in module.parameters()) == parameters


def test_the_towers_of_vit_b_32() -> None:
    module = structure_of(ModelSpec(architecture=str(completed("clip:vit_b_32"))))
    image = sum(parameter.numel() for parameter in module.clip.visual.parameters())
    assert image == 87_849_216
    assert sum(parameter.numel() for parameter in module.parameters()) - image - 1 == 63_428_096


def test_vectors_have_length_one_and_the_scale_comes_along() -> None:
    model = load_model_reference(
        "clip:tiny?dimension=16&width=8", "model", describe_dataset("captioned:digits", "d"), None, seed=1
    )
    assert isinstance(model.module, Towers)
    tokens = torch.tensor([[5, 9, 0], [7, 0, 0], [0, 0, 0]])
    images, texts, scale = model.module.eval()(torch.randn(3, 1, 8, 8), tokens)
    assert torch.allclose(images.norm(dim=1), torch.ones(3))
    assert torch.allclose(texts.norm(dim=1), torch.ones(3))
    assert scale.shape == (3, 1)
    assert scale[0].item() == pytest.approx(1 / 0.07, rel=1e-6)


def test_the_order_of_words_and_padding_do_not_count_in_an_average() -> None:
    model = load_model_reference("clip:tiny", "model", None, None, seed=1).module.eval()
    assert isinstance(model, Towers)
    first, second = model.text_vectors(torch.tensor([[5, 9, 0, 0]])), model.text_vectors(torch.tensor([[9, 5]]))
    assert torch.allclose(first, second, atol=1e-6)


def test_data_decide_channels_and_size() -> None:
    assert completed("clip:tiny", "captioned:digits").parameters["channels"] == "1"
    assert preparation(completed("clip:tiny", "captioned:digits")).height == 8
    wanted = preparation(completed("clip:ViT-B-32", "captioned:digits"))
    assert (wanted.channels, wanted.height, wanted.width) == (3, 224, 224)
    assert wanted.tokenize(["a photo of a cat"]).shape == (1, 77)


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("clip:vit_b_23", NotFound, "ViT-B-32"),
        ("clip", InvalidArgument, "needs the name"),
        ("clip:tiny?channel=1", InvalidArgument, "channels"),
        ("clip:ViT-B-32?pretrained=/nowhere.pt", InvalidArgument, "no file"),
        ("clip:roberta-ViT-B-32", InvalidArgument, "comes from a hub"),
    ],
)
def test_what_cannot_be_made_is_refused(text: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        completed(text)


def test_weights_are_no_part_of_the_structure() -> None:
    reference = Reference("clip", "ViT-B-32", {"pretrained": "/x"})
    assert Clip().pretrained(reference)
    assert str(Clip().structure(reference)) == "clip:ViT-B-32"
