"""Soft labels, by hand."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from palmette_plugins.engines.distillation import (
    compressed,
    expanded,
    kl_divergence,
    mean_probabilities,
    soft_cross_entropy,
)

TEACHERS = [torch.tensor([[2.0, 0, 0], [0, 1, 0]]), torch.tensor([[0.0, 2, 0], [0, 3, 0]])]
STUDENT = torch.tensor([[1.0, 0.5, -1], [0, 0, 0]])


def test_known_figures() -> None:
    p = mean_probabilities(TEACHERS)
    torch.testing.assert_close(p[1], torch.tensor([0.1286, 0.7428, 0.1286]), atol=5e-5, rtol=0)
    assert float(soft_cross_entropy(STUDENT, p)) == pytest.approx(1.0449782, abs=1e-6)
    assert float(kl_divergence(STUDENT, p)) == pytest.approx(0.1915322, abs=1e-6)


def test_the_gradient_is_the_difference_of_probabilities() -> None:
    p = mean_probabilities(TEACHERS)
    z = STUDENT.clone().requires_grad_()
    (by_entropy,) = torch.autograd.grad(soft_cross_entropy(z, p), z)
    (by_divergence,) = torch.autograd.grad(kl_divergence(z, p), z)
    torch.testing.assert_close(by_entropy, (STUDENT.softmax(dim=1) - p) / 2, atol=1e-6, rtol=0)
    torch.testing.assert_close(by_entropy, by_divergence, atol=1e-6, rtol=0)


def test_neither_the_order_of_teachers_nor_one_given_twice_matters() -> None:
    p = mean_probabilities(TEACHERS)
    torch.testing.assert_close(mean_probabilities(TEACHERS[::-1]), p, atol=1e-6, rtol=0)
    once, twice = mean_probabilities(TEACHERS[:1]), mean_probabilities(TEACHERS[:1] * 2)
    torch.testing.assert_close(once, twice, atol=1e-6, rtol=0)


def test_the_classes_that_were_not_kept_share_the_rest() -> None:
    probabilities = torch.full((1, 1000), 0.1 / 995 / 10)
    probabilities[0, :5] = torch.tensor([0.5, 0.2, 0.1, 0.05, 0.05])
    whole = expanded(*compressed(probabilities, 5), 1000)
    torch.testing.assert_close(whole[0, :5], probabilities[0, :5])
    assert float(whole[0, 5]) == pytest.approx(1.005025e-04, rel=1e-5)
    assert float(whole.sum()) == pytest.approx(1, abs=1e-5)


@given(st.integers(2, 30), st.data(), st.integers(0, 1000))
def test_expanding_keeps_probabilities(classes: int, data: st.DataObject, seed: int) -> None:
    k = data.draw(st.integers(1, classes - 1))
    p = torch.randn(4, classes, generator=torch.Generator().manual_seed(seed)).mul(3).softmax(dim=1)
    whole = expanded(*compressed(p, k), classes)
    torch.testing.assert_close(whole.sum(dim=1), torch.ones(4))
    assert torch.equal(whole.topk(k, dim=1).values, p.topk(k, dim=1).values)
