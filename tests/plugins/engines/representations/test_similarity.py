"""Similarities of representations: figures worked out by hand, and what they do not depend on."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from palmette_plugins.engines.representations import linear_cka, rsa_similarity

X = torch.tensor([[1.0, 0], [0, 1], [1, 1], [2, 1]])
Y = torch.tensor([[1.0, 0, 0], [0, 2, 0], [0, 0, 1], [1, 1, 1]])


def test_known_figures() -> None:
    assert float(linear_cka(X, Y)) == pytest.approx(0.5852057, abs=1e-6)
    assert float(rsa_similarity(X, Y)) == pytest.approx(0.6458539, abs=1e-6)


@given(st.integers(2, 40), st.integers(1, 20), st.integers(1, 20), st.integers(0, 10_000))
def test_cka_does_not_see_rotation_scale_or_shift(n: int, d: int, e: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    first = torch.randn(n, d, generator=generator)
    second = torch.randn(n, e, generator=generator)
    rotation = torch.linalg.qr(torch.randn(d, d, generator=generator)).Q
    moved = 3 * first @ rotation + torch.randn(d, generator=generator)
    value = float(linear_cka(first, second))
    assert -1e-6 <= value <= 1 + 1e-5
    assert float(linear_cka(first, moved)) == pytest.approx(1, abs=1e-4)
    assert float(linear_cka(moved, second)) == pytest.approx(value, abs=1e-4)
    assert float(linear_cka(second, first)) == pytest.approx(value, abs=1e-6)


@given(st.integers(2, 40), st.integers(1, 20), st.integers(1, 20), st.integers(0, 10_000))
def test_the_gram_form_equals_the_feature_form(n: int, d: int, e: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    first = torch.randn(n, d, generator=generator, dtype=torch.float64)
    second = torch.randn(n, e, generator=generator, dtype=torch.float64)
    a, b = first - first.mean(0), second - second.mean(0)
    features = (a.T @ b).norm() ** 2 / ((a.T @ a).norm() * (b.T @ b).norm())
    assert float(linear_cka(first, second)) == pytest.approx(float(features), abs=2e-6)


@pytest.mark.parametrize("measure", [linear_cka, rsa_similarity])
def test_a_dead_layer_is_not_alike_and_has_no_gradient(measure: object) -> None:
    dead = torch.zeros(4, 3, requires_grad=True)
    value = measure(dead, Y)  # type: ignore[operator]
    assert float(value.detach()) == 0
    assert not value.requires_grad


def test_images_count_as_their_flat_features_and_16_bits_do_not_overflow() -> None:
    images = torch.randn(6, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    assert torch.equal(linear_cka(images, X.repeat(2, 1)[:6]), linear_cka(images.flatten(1), X.repeat(2, 1)[:6]))
    large = (images * 200).half()
    assert float(linear_cka(large, large)) == pytest.approx(1, abs=1e-5)
