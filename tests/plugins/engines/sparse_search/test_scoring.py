"""Scores: many masks in one pass say what each says alone."""

from __future__ import annotations

import math

import pytest
import torch

from palmette_plugins.api.references import Reference
from palmette_plugins.architectures.loading import load_model_reference
from palmette_plugins.datasets.digits import Digits
from palmette_plugins.engines.recipe import Recipe
from palmette_plugins.engines.sparse_search.candidates import Candidate
from palmette_plugins.engines.sparse_search.parent import sub_network
from palmette_plugins.engines.sparse_search.scores import AccuracyAtInit, GradNorm, LossAtInit, ShortTraining
from palmette_plugins.engines.sparse_search.scoring import can_batch, make_scene, with_batch_statistics
from palmette_plugins.engines.sparse_search.search import best, worst
from palmette_plugins.engines.sparse_search.spaces import Space, mask_space

MODELS = ["zoo:mlp?hidden=24,16", "zoo:mlp?hidden=24,16&batch_norm=true", "zoo:resnet8?width=4"]
DATA = Digits().load(Reference.parse("digits?limit=120"))


def scene_of(reference: str, space: Space = Space.NODE):
    model = load_model_reference(reference, "model", DATA.info, None, seed=0)
    recipe = Recipe(batch_size=32, lr=0.05)
    scene = make_scene(model.module, DATA, recipe, examples=90, steps=3, seed=1, device=torch.device("cpu"))
    masks = [Candidate(5, i).masks(mask_space(space, model.module, 0.6)) for i in range(6)]
    return model, scene, masks


@pytest.mark.parametrize("reference", MODELS)
@pytest.mark.parametrize("space", list(Space))
@pytest.mark.parametrize("score", [LossAtInit(), AccuracyAtInit(), GradNorm()])
def test_batched_scores_equal_those_of_one_at_a_time(reference, space, score):
    _, scene, masks = scene_of(reference, space)
    assert can_batch(scene, masks[0]) == ""

    together = score.scores(scene, masks)
    alone = [score.scores(scene, [mask])[0] for mask in masks]
    scene.batched = False

    assert together == pytest.approx(alone, rel=1e-5)
    assert together == pytest.approx(score.scores(scene, masks), rel=1e-5)
    assert len(set(together)) > 1


@pytest.mark.parametrize("reference", MODELS)
def test_the_loss_is_that_of_the_masked_network(reference):
    model, scene, masks = scene_of(reference)
    batch = scene.batches[0]

    for mask, score in zip(masks, LossAtInit().scores(scene, masks), strict=True):
        network = with_batch_statistics(sub_network(model, mask).module)
        assert score == pytest.approx(float(DATA.task.loss(network(batch[0]), batch)), rel=1e-5)


def test_the_gradient_norm_counts_living_weights_only():
    model, scene, masks = scene_of(MODELS[0])
    network = sub_network(model, masks[0]).module
    batch = scene.batches[0]
    DATA.task.loss(network(batch[0]), batch).backward()
    squares = sum(
        float((parameter.grad * masks[0][name]).square().sum())
        for name, parameter in network.named_parameters()
        if name in masks[0]
    )

    assert GradNorm().scores(scene, masks[:1])[0] == pytest.approx(math.sqrt(squares), rel=1e-5)


def test_parts_of_the_search_batch_do_not_change_the_score(monkeypatch):
    _, whole, masks = scene_of(MODELS[0])
    monkeypatch.setattr("palmette_plugins.engines.sparse_search.scoring.CHUNK", 40)
    _, parts, _ = scene_of(MODELS[0])
    assert [len(batch[0]) for batch in parts.batches] == [40, 40, 10]

    assert LossAtInit().scores(parts, masks) == pytest.approx(LossAtInit().scores(whole, masks), rel=1e-5)


def test_short_training_starts_every_candidate_at_theta_0():
    _, scene, masks = scene_of(MODELS[0])
    before = {name: tensor.clone() for name, tensor in scene.module.state_dict().items()}

    first, again = ShortTraining().scores(scene, masks[:2]), ShortTraining().scores(scene, masks[:2][::-1])

    assert first == again[::-1]
    assert first[0] != first[1]
    assert all(torch.equal(tensor, before[name]) for name, tensor in scene.module.state_dict().items())


def test_the_best_never_gets_worse_as_there_are_more():
    generator = torch.Generator().manual_seed(0)
    scores = torch.rand(200, generator=generator).tolist()

    found = [scores[best(scores[:n], higher_is_better=False)] for n in range(1, 201)]

    assert found == sorted(found, reverse=True)


def test_of_equal_scores_the_earlier_one_is_found_and_nan_never():
    assert best([math.nan, 2.0, 1.0, 1.0], higher_is_better=False) == 2
    assert best([math.nan, 2.0, 2.0, 1.0], higher_is_better=True) == 1
    assert worst([math.nan, 2.0, 2.0, 1.0], higher_is_better=False) == 1
    assert worst([math.nan, 2.0, 2.0, 1.0], higher_is_better=True) == 3
