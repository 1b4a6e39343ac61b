"""The measures, on the fixtures of the method's card and against ir-measures itself."""

from __future__ import annotations

import ir_measures
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palmette_plugins.api import InvalidArgument
from palmette_plugins.engines.retrieval.measures import measure_run
from palmette_plugins.engines.retrieval.run import ranked, without_own_passages

JUDGED = {"q1": {"a": 1, "b": 2, "c": 0}, "q2": {"d": 1}}
RUN = {"q1": ranked(["q1", "c", "b", "x", "a"], [9, 8, 7, 6, 5]), "q2": ranked(["y", "d"], [3, 2])}


def test_the_card_s_fixture_without_identical_ids() -> None:
    measured = measure_run(without_own_passages(RUN), JUDGED, ["nDCG@3", "nDCG@10", "R@3", "R@100", "AP@100"])
    expected = {"nDCG@3": 0.55528, "nDCG@10": 0.63713, "R@3": 0.75, "R@100": 1.0, "AP@100": 0.5}
    assert measured.means() == pytest.approx(expected, abs=5e-6)


def test_the_card_s_fixture_with_identical_ids() -> None:
    measured = measure_run(RUN, JUDGED, ["nDCG@10", "AP@100"])
    assert measured.means() == pytest.approx({"nDCG@10": 0.57903, "AP@100": 0.43333}, abs=5e-6)


def test_a_judged_query_without_results_counts_zero() -> None:
    run = {"q1": without_own_passages(RUN)["q1"]}
    measured = measure_run(run, JUDGED, ["nDCG@10", "R_cap@10", "Hole@10"])
    assert measured.per_query["nDCG@10"] == pytest.approx({"q1": 0.64332, "q2": 0.0}, abs=5e-6)
    assert measured.mean("nDCG@10") == pytest.approx(0.32166, abs=5e-6)
    assert measured.per_query["R_cap@10"] == {"q1": 1.0, "q2": 0.0}


def test_recall_is_capped_at_what_the_cutoff_can_hold() -> None:
    run = {"q": ranked(["a", "x", "b"], [3, 2, 1])}
    judged = {"q": dict.fromkeys("abcde", 1)}
    assert measure_run(run, judged, ["R@3", "R_cap@3"]).means() == pytest.approx({"R@3": 0.4, "R_cap@3": 2 / 3})


def test_holes_are_what_nobody_judged() -> None:
    run = {"q": ranked(["a", "x", "c", "y"], [4, 3, 2, 1])}
    assert measure_run(run, {"q": {"a": 1, "c": 0}}, ["Hole@2", "Hole@10"]).means() == {"Hole@2": 0.5, "Hole@10": 0.5}


def test_the_survey_s_fixture() -> None:
    run = {"q": ranked(["d3", "d1", "d2", "d7", "d5"], [5, 4, 3, 2, 1])}
    measured = measure_run(run, {"q": {"d1": 1, "d2": 2, "d9": 1}}, ["AP", "nDCG@10", "RR"])
    assert measured.means() == pytest.approx({"AP": 0.388889, "nDCG@10": 0.520909, "RR": 0.5}, abs=5e-7)


@pytest.mark.parametrize("name", ["nDGC@10", "R_cap", "Hole@x", "R_cap@0"])
def test_an_unknown_measure_is_refused(name: str) -> None:
    with pytest.raises(InvalidArgument, match=f"'{name}'"):
        measure_run(RUN, JUDGED, [name])


SCORES = st.dictionaries(st.sampled_from("abcdefghij"), st.integers(0, 3), min_size=1)


@given(st.dictionaries(st.sampled_from(["q1", "q2", "q3"]), SCORES), st.lists(SCORES, min_size=3, max_size=3))
def test_equal_to_ir_measures_with_ties(scores: dict[str, dict[str, int]], grades: list[dict[str, int]]) -> None:
    judged = dict(zip(["q1", "q2", "q3"], grades, strict=True))
    run = {query: ranked(list(hits), hits.values()) for query, hits in scores.items()}
    names = ["nDCG@5", "R@3", "AP@5", "RR@10"]
    measures = [ir_measures.parse_measure(name) for name in names]
    measured = measure_run(run, judged, names)
    for name, measure in zip(names, measures, strict=True):
        values = {value.query_id: value.value for value in measure.iter_calc(judged, scores)}
        assert measured.per_query[name] == pytest.approx({query: values.get(query, 0.0) for query in judged}, abs=1e-6)


def test_more_queries_than_are_measured_at_once() -> None:
    judged = {f"q{i}": {"a": 1} for i in range(600)}
    run = {f"q{i}": ranked(["a"] if i % 3 else ["b"], [1.0]) for i in range(600)}
    assert measure_run(run, judged, ["R@1"]).mean("R@1") == pytest.approx(400 / 600)
    assert np.isfinite(list(measure_run(run, judged, ["nDCG@10"]).per_query["nDCG@10"].values())).all()
