"""The leaderboard's means, tests and figures."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from palmette_plugins.engines.retrieval.charts import radar, recall_by_depth
from palmette_plugins.engines.retrieval.leaderboard import Entry, as_markdown, leaderboard, resampled, table_rows
from palmette_plugins.engines.retrieval.measures import Measured
from palmette_plugins.engines.retrieval.run import ranked
from palmette_plugins.engines.retrieval.significance import holm, paired_t_test, randomisation_test


def measured(*values: float) -> Measured:
    return Measured({"nDCG@10": {f"q{number}": value for number, value in enumerate(values)}})


def entries() -> list[Entry]:
    first = Entry("first", "lexical", sets={"a": [measured(1.0, 0.0)], "forums": [measured(0.5), measured(0.1, 0.1)]})
    second = Entry("second", "dense", sets={"a": [measured(0.0, 0.0)], "forums": [measured(0.5), measured(0.9, 0.7)]})
    return [first, second]


def test_a_set_of_several_collections_counts_as_one() -> None:
    first = entries()[0]
    assert first.on("forums", "nDCG@10") == pytest.approx((0.5 + 0.1) / 2)
    assert first.mean("nDCG@10") == pytest.approx((0.5 + 0.3) / 2)


def test_the_board_is_ordered_by_the_mean_over_sets_and_has_groups() -> None:
    board = leaderboard(entries(), {"a": "news", "forums": ""}, paired_t_test, ["nDCG@10"])
    assert [entry["model"] for entry in board["entries"]] == ["first", "second"]
    assert board["entries"][0]["groups"] == {"news": {"nDCG@10": 0.5}}
    assert board["entries"][0]["sets"]["a"]["p_value"] is None  # the best of the set
    assert 0 < board["entries"][1]["sets"]["a"]["p_value"] <= 1
    rows = table_rows(board)
    assert [(row["model"], row["set"]) for row in rows[:3]] == [("first", "mean"), ("first", "a"), ("first", "forums")]
    assert "| first | lexical | 0.5000 | 0.3000 | 0.4000 |" in as_markdown(board)


def test_differences_are_tested_query_by_query() -> None:
    generator = np.random.default_rng(0)
    first, noise = generator.random(50), generator.normal(0.1, 0.2, 50)
    expected = stats.ttest_rel(first, first + noise).pvalue
    assert paired_t_test(first, first + noise) == pytest.approx(expected)
    assert randomisation_test(first, first + noise, seed=0) == pytest.approx(expected, abs=0.01)
    assert paired_t_test(first, first) == 1.0
    assert randomisation_test(first, first, seed=0) == 1.0


def test_holm_steps_down() -> None:
    assert holm({"a": 0.01, "b": 0.04, "c": 0.03}) == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06})


def test_a_bootstrap_sample_draws_the_same_queries_for_every_model() -> None:
    first, second = measured(*range(20)), measured(*(10 * value for value in range(20)))
    drawn = [resampled(found, np.random.default_rng(3)).per_query["nDCG@10"] for found in (first, second)]
    assert len(drawn[0]) == 20
    assert [10 * value for value in drawn[0].values()] == list(drawn[1].values())
    assert len(set(drawn[0].values())) < 20


def test_the_radar_has_a_spoke_for_each_set_and_a_ring_for_no_gain() -> None:
    chart = radar({"dense": {"a": 0.1, "b": -0.2, "c": 0.0}}, "bm25_flat", "nDCG@10").to_dict()
    spokes, ring, labels, lines = (layer["data"]["values"] for layer in chart["layer"])
    assert {row["set"] for row in spokes} == {row["set"] for row in labels} == {"a", "b", "c"}
    distance = {row["set"]: np.hypot(row["x"], row["y"]) for row in lines}
    radius = np.hypot(ring[0]["x"], ring[0]["y"])
    assert distance["a"] - radius == pytest.approx(0.1)
    assert distance["b"] - radius == pytest.approx(-0.2)
    assert distance["c"] == pytest.approx(radius)
    assert [row["set"] for row in lines] == ["a", "b", "c", "a"]  # closed


def test_recall_by_depth() -> None:
    run = {"q": ranked(["a", "x", "b"], [3, 2, 1])}
    curve = recall_by_depth(run, {"q": {"a": 1, "b": 2, "c": 0}, "r": {"a": 1}}, [1, 2, 3])
    assert curve == {1: 0.25, 2: 0.25, 3: 0.5}
