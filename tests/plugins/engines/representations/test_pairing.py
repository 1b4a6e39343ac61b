"""Which layers belong together."""

from __future__ import annotations

import pytest

from palmette_plugins.api import InvalidArgument
from palmette_plugins.engines.representations import Collisions, Pair, spread_pairs
from palmette_plugins.engines.representations.pairing import chosen, spread_positions


@pytest.mark.parametrize(
    ("guide", "target", "positions"),
    [
        (5, 9, "0,2,4,6,8"),
        (9, 5, "0,0,1,2,2,2,3,4,4"),
        (7, 5, "0,1,1,2,3,3,4"),
        (21, 48, "0,2,5,7,9,12,14,16,19,21,24,26,28,31,33,35,38,40,42,45,47"),
        (1, 9, "0"),
    ],
)
def test_guide_layers_are_spread_evenly(guide: int, target: int, positions: str) -> None:
    assert spread_positions(guide, target) == [int(position) for position in positions.split(",")]


def test_of_several_guide_layers_on_one_all_count_or_only_the_last() -> None:
    target, guide = ["a", "b"], ["p", "q", "r", "s"]
    everything = [Pair("a", "p"), Pair("a", "q"), Pair("b", "r"), Pair("b", "s")]
    assert spread_pairs(target, guide) == everything
    assert spread_pairs(target, guide, Collisions.LAST) == [Pair("a", "q"), Pair("b", "s")]
    assert spread_pairs([], guide) == []


def test_an_unknown_layer_is_refused_with_the_nearest() -> None:
    assert chosen(["conv1", "conv2", "fc"], ["fc", "conv1"], "config.taps_target") == ["conv1", "fc"]
    with pytest.raises(InvalidArgument) as error:
        chosen(["conv1", "conv2"], ["conv3"], "config.taps_target")
    assert error.value.violations[0].field == "config.taps_target"
    assert "conv1" in error.value.violations[0].description
