"""Coefficients of the new blocks."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from palmette_plugins.engines.seeding import seeded_generator
from palmette_plugins.engines.template_mixing.coefficients import (
    CoefficientInit,
    initial_coefficients,
    new_coefficients,
    orthogonal_to,
)


def _new(how: CoefficientInit, templates: int, seed: int = 0) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    generator = seeded_generator(seed)
    learned = list(torch.randn(2, templates, generator=generator))
    return learned, new_coefficients(how, learned, initial_coefficients(templates, generator), generator)


@given(st.integers(4, 16), st.integers(0, 1000))
def test_orthogonal_vectors_are_orthogonal_to_all_before_and_of_norm_one(templates: int, seed: int) -> None:
    learned, new = _new(CoefficientInit.ORTHOGONAL, templates, seed)
    vectors = [*learned, *new]
    for index in (2, 3):
        assert float(vectors[index].norm()) == pytest.approx(1, abs=1e-6)
        for before in vectors[:index]:
            assert abs(float(vectors[index] @ before)) <= 1e-6 * max(1.0, float(before.norm()))


@given(st.integers(0, 1000))
def test_four_templates_leave_room_for_four_directions(seed: int) -> None:
    generator = seeded_generator(seed)
    initial = initial_coefficients(4, generator)
    learned = [vector + 0.3 * torch.randn(4, generator=generator) for vector in initial[:2]]  # as training moves them
    vectors = [*learned, *new_coefficients(CoefficientInit.ORTHOGONAL, learned, initial, generator)]
    assert all(abs(float(vectors[3] @ vectors[j])) <= 1e-6 for j in range(3))
    assert all(abs(float(vectors[2] @ vectors[j])) <= 1e-6 for j in range(2))
    assert [float(vector.norm()) for vector in vectors[2:]] == pytest.approx([1, 1], abs=1e-6)


@given(st.integers(4, 64), st.integers(0, 1000))
def test_initial_vectors_are_orthonormal_rows_from_four_templates_on(templates: int, seed: int) -> None:
    rows = initial_coefficients(templates, seeded_generator(seed))
    torch.testing.assert_close(rows @ rows.T, torch.eye(4), rtol=0, atol=1e-6)


def test_with_two_templates_the_best_there_is() -> None:
    learned, (third, _) = _new(CoefficientInit.ORTHOGONAL, 2)
    stacked = torch.stack(learned)
    angles = torch.linspace(0, torch.pi, 10_000)
    best = (stacked @ torch.stack([angles.cos(), angles.sin()])).norm(dim=0).min()
    assert float((stacked @ third).norm()) == pytest.approx(float(best), rel=1e-3)


def test_one_learned_direction_leaves_exact_orthogonality_even_with_two_templates() -> None:
    alpha = torch.tensor([3.0, 4.0])
    assert abs(float(orthogonal_to([alpha, 2 * alpha]) @ alpha)) <= 1e-6


def test_copies_are_near_the_learned_and_random_ones_are_units() -> None:
    learned, copied = _new(CoefficientInit.COPY, 3)
    for alpha, beta in zip(learned, copied, strict=True):
        assert float((alpha - beta).norm()) == pytest.approx(0.01, rel=1e-4)
    _, drawn = _new(CoefficientInit.RANDOM, 3)
    assert [float(vector.norm()) for vector in drawn] == pytest.approx([1, 1])
    assert not torch.equal(drawn[0], drawn[1])


def test_zero_is_zero_and_none_keeps_the_initial_ones() -> None:
    assert all(not vector.any() for vector in _new(CoefficientInit.ZERO, 2)[1])
    initial = initial_coefficients(2, seeded_generator(0))
    learned = list(torch.ones(2, 2))
    kept = new_coefficients(CoefficientInit.NONE, learned, initial, seeded_generator(0))
    assert torch.equal(torch.stack(kept), initial[2:])
