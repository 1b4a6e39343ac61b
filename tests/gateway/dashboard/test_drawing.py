"""Layouts and texts that pages are made of."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from palmette.nested import parse_settings, unflatten
from palmette_gateway.dashboard.drawing.bars import batch_shares
from palmette_gateway.dashboard.drawing.layers import layers
from palmette_gateway.dashboard.drawing.sparkline import sparkline
from palmette_gateway.dashboard.live.series import MOST_POINTS, Series, thinned
from palmette_gateway.dashboard.presentation import formatting
from palmette_gateway.dashboard.presentation.commands import run_command
from palmette_gateway.dashboard.presentation.metrics import best, headline
from palmette_gateway.dashboard.presentation.spec_history import history

_NAMES = [f"n{number}" for number in range(12)]
_EDGES = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=40)


@given(_EDGES)
def test_every_arrow_of_a_lineage_goes_to_a_later_column(pairs: list[tuple[int, int]]) -> None:
    edges = [(_NAMES[a], _NAMES[b]) for a, b in pairs if a < b]
    columns = layers(_NAMES, edges)
    column_of = {node: index for index, column in enumerate(columns) for node in column}
    assert sorted(column_of) == sorted(_NAMES)
    assert all(column_of[parent] < column_of[child] for parent, child in edges)


@given(_EDGES)
def test_a_lineage_with_a_circle_is_still_drawn(pairs: list[tuple[int, int]]) -> None:
    columns = layers(_NAMES, [(_NAMES[a], _NAMES[b]) for a, b in pairs])
    assert sorted(node for column in columns for node in column) == sorted(_NAMES)


def test_two_parents_stand_beside_each_other_without_crossing() -> None:
    columns = layers(["a", "b", "c", "d"], [("a", "c"), ("b", "d")])
    assert [column.index(node) for column, node in zip(columns, "ac", strict=True)] in ([0, 0], [1, 1])


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=5000))
def test_thinned_curves_keep_their_extremes_and_their_end(values: list[float]) -> None:
    points = list(enumerate(values))
    kept = thinned(points)
    assert len(kept) <= MOST_POINTS + 1
    assert kept == sorted(kept)
    assert {max(value for _, value in kept), min(value for _, value in kept)} == {max(values), min(values)}
    assert kept[-1] == points[-1]


def test_a_later_attempt_replaces_the_steps_that_it_repeats() -> None:
    series = Series()
    for step, value in ((1, 0.9), (2, 0.8), (3, 0.7), (2, 0.75)):
        series.add("train/loss", step, value)
    assert series.take() == {"train/loss": [(1, 0.9), (2, 0.75), (3, 0.7)]}
    assert series.take() == {}


def test_a_sparkline_says_in_words_what_it_shows() -> None:
    drawn = sparkline([(0.0, 1.0), (1.0, 4.0), (2.0, 2.0)], 'Rate "<b>"')
    assert "from 1 to 2, lowest 1, highest 4" in drawn
    assert "<b>" not in drawn
    assert "no history yet" in sparkline([], "Rate")


def test_many_batch_sizes_are_shown_in_ranges() -> None:
    assert batch_shares({1: 5, 2: 3}) == [("1", 5.0), ("2", 3.0)]
    assert batch_shares(dict.fromkeys(range(1, 17), 1)) == [
        ("1", 1.0), ("2", 1.0), ("3-4", 2.0), ("5-8", 4.0), ("9-16", 8.0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.42, "0.4 s"), (59, "59 s"), (61, "1 min 1 s"), (3600, "1 h"), (7500, "2 h 5 min"), (200_000, "2 d 7 h")],
)
def test_durations_are_written_with_two_units(seconds: float, text: str) -> None:
    assert formatting.duration(seconds) == text
    assert formatting.duration(timedelta(seconds=seconds)) == text


def test_times_are_written_as_distances() -> None:
    now = datetime(2026, 1, 2, tzinfo=UTC)
    assert formatting.ago(now - timedelta(seconds=200), now) == "3 min ago"
    assert formatting.ago(now + timedelta(seconds=30), now) == "just now"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.91344, "0.9134"), (270_896.0, "270,896"), (3.2e-6, "3.2e-06"), (float("nan"), "nan"), (12345.6, "12,346")],
)
def test_numbers_have_four_digits_unless_they_are_whole(value: float, text: str) -> None:
    assert formatting.number(value) == text


def test_only_a_finished_job_reads_a_hundred_percent() -> None:
    assert (formatting.percent(0.9999), formatting.percent(1.0)) == ("99 %", "100 %")


def test_the_figures_shown_first_are_quality_on_held_out_data() -> None:
    metrics = {"train/loss": 1.0, "nonzeros": 5.0, "validation/accuracy": 0.8, "dense/test/accuracy": 0.9}
    assert [name for name, _ in headline(metrics, 2)] == ["dense/test/accuracy", "validation/accuracy"]


def test_the_best_is_only_marked_where_better_has_a_direction() -> None:
    assert best("test/accuracy", [0.9, 0.8]) == 0.9
    assert best("latency_ms", [3.0, 2.0]) == 2.0
    assert best("train/lr", [0.1, 0.2]) is None


_CONFIG = st.dictionaries(
    st.from_regex(r"[a-z_]{1,8}", fullmatch=True),
    st.one_of(
        st.booleans(), st.integers(-(10**9), 10**9), st.text(st.characters(codec="utf-8"), min_size=1, max_size=20),
        st.lists(st.integers(0, 100), max_size=4), st.just("yes"), st.just("null"),
    ),
    max_size=4,
)  # fmt: skip


@given(_CONFIG)
def test_the_command_means_the_same_configuration(config: dict[str, object]) -> None:
    words = shlex.split(run_command("nas/x", {}, {"recipe": config} if config else {}).replace("\\\n", ""))
    given_settings = [words[at + 1] for at, word in enumerate(words) if word == "--set"]
    assert unflatten(parse_settings(given_settings, "--set")).get("recipe", {}) == config


def test_a_spec_reads_as_a_history() -> None:
    chapters = history(
        {
            "architecture": "zoo:resnet20?num_classes=10",
            "edits": [{"name": "drop_blocks", "arguments": {"blocks": [f"b{n}" for n in range(9)]}}],
        }
    )
    assert (chapters[0].subject, chapters[0].settings) == ("zoo:resnet20", (("num_classes", "10"),))
    assert chapters[1].title == "Drop blocks"
    assert chapters[1].settings[0][1].endswith("and 3 more")
