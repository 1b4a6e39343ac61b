"""Seeding: equal for equal purposes, unrelated otherwise, and never felt outside."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from palmette_plugins.engines.seeding import derive_seed, seeded_draws, seeded_generator


@given(st.integers(-(2**70), 2**70), st.text(max_size=20))
def test_any_seed_and_purpose_make_a_generator(seed, purpose):
    first, again = (torch.rand(4, generator=seeded_generator(seed, purpose)) for _ in range(2))

    assert torch.equal(first, again)
    assert 0 <= derive_seed(seed, purpose) < 2**63


def test_seeds_and_purposes_do_not_collide():
    pairs = [(seed, purpose) for seed in range(50) for purpose in ("", "masks", "order", "1", "11")]

    assert len({derive_seed(*pair) for pair in pairs}) == len(pairs)
    assert derive_seed(1, "1:x") != derive_seed(11, "x")


def test_draws_inside_are_seeded_and_outside_undisturbed():
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)

    with seeded_draws(1, "weights"):
        inside = torch.rand(3)

    assert torch.equal(torch.rand(3), expected)
    with seeded_draws(1, "weights"):
        assert torch.equal(torch.rand(3), inside)
    with seeded_draws(2, "weights"):
        assert not torch.equal(torch.rand(3), inside)
