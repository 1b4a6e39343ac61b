"""GraSP's Hessian-gradient product and the sign of its score."""

import copy

import pytest
import torch
from torch import nn
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from palmette_plugins.engines.saliency import grasp_scores, hessian_gradient_product, scored_weights
from palmette_plugins.engines.seeding import seeded_draws
from palmette_plugins.tasks.classification import Classification
from palmette_plugins.tasks.language_modelling import LanguageModelling


def _gradient(module: nn.Module, names: list[str], batch: tuple[torch.Tensor, ...], temperature: float) -> torch.Tensor:
    parameters = [module.get_parameter(name) for name in names]
    loss = nn.functional.cross_entropy(module.train()(batch[0]) / temperature, batch[1])
    return parameters_to_vector(torch.autograd.grad(loss, parameters))


@pytest.mark.parametrize("temperature", [1.0, 200.0])
def test_the_product_equals_a_finite_difference_of_gradients(
    small_network: nn.Module, small_batch: tuple[torch.Tensor, ...], temperature: float
) -> None:
    names = scored_weights(small_network)
    product = parameters_to_vector(
        hessian_gradient_product(small_network, names, Classification(), small_batch, temperature)
    )

    gradient = _gradient(small_network, names, small_batch, temperature)
    step = 1e-5 / float(gradient.norm())

    def gradient_at(direction: float) -> torch.Tensor:
        twin = copy.deepcopy(small_network)
        parameters = [twin.get_parameter(name) for name in names]
        vector_to_parameters(parameters_to_vector(parameters) + direction * step * gradient, parameters)
        return _gradient(twin, names, small_batch, temperature)

    estimate = (gradient_at(1) - gradient_at(-1)) / (2 * step)
    assert float((product - estimate).norm() / estimate.norm()) <= 1e-2


def test_a_larger_score_means_that_gradient_flow_falls_more_when_the_weight_goes(
    small_network: nn.Module, small_batch: tuple[torch.Tensor, ...]
) -> None:
    names = scored_weights(small_network)
    scores = parameters_to_vector(grasp_scores(small_network, names, Classification(), small_batch, 1.0).values())

    def flow(index: int, scale: float) -> float:
        twin = copy.deepcopy(small_network)
        parameters = [twin.get_parameter(name) for name in names]
        vector = parameters_to_vector(parameters).detach().clone()
        vector[index] *= scale
        vector_to_parameters(vector, parameters)
        return float(_gradient(twin, names, small_batch, 1.0).square().sum())

    for index in (int(scores.argmax()), int(scores.argmin())):
        # d|g|^2 / dscale = 2 w (H g), so the flow lost when the weight shrinks is twice the score
        slope = (flow(index, 1 + 1e-4) - flow(index, 1 - 1e-4)) / 2e-4
        assert slope == pytest.approx(2 * float(scores[index]), rel=1e-3)


def test_attention_has_second_derivatives_too() -> None:
    with seeded_draws(0, "attention"):
        layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.5, batch_first=True)
        model = nn.Sequential(nn.Embedding(11, 8), layer, nn.Linear(8, 11))
    tokens = torch.arange(12).reshape(2, 6) % 11
    names = scored_weights(model)
    task, batch = LanguageModelling(), (tokens, tokens)

    scores = grasp_scores(model, names, task, batch)
    again = grasp_scores(model, names, task, batch)

    assert "0.weight" not in names  # the embedding
    assert "1.self_attn.in_proj_weight" in names
    assert all(torch.equal(scores[name], again[name]) for name in names)  # no dropout
    assert all(scores[name].abs().sum() > 0 for name in names)
