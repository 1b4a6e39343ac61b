"""Runs: order, TREC's format, fusion."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palmette_plugins.api import InvalidArgument
from palmette_plugins.engines.retrieval.fusion import linear_fusion, reciprocal_rank_fusion
from palmette_plugins.engines.retrieval.order import best
from palmette_plugins.engines.retrieval.run import ranked, read_run, without_own_passages, write_run


def test_of_equal_scores_the_last_id_ranks_first() -> None:
    assert list(ranked(["a", "b"], [1.0, 1.0]).ids) == ["b", "a"]


@given(st.lists(st.integers(0, 3), min_size=1, max_size=40), st.integers(1, 50))
def test_the_best_are_those_of_a_full_sort(values: list[int], k: int) -> None:
    scores = np.array(values, np.float32)
    ranks = np.arange(len(values))[::-1].copy()
    expected = sorted(range(len(values)), key=lambda index: (-values[index], ranks[index]))[:k]
    assert best(scores, ranks, k).tolist() == expected


SINGLE = st.floats(width=32, allow_nan=False, allow_infinity=False)


@given(st.dictionaries(st.sampled_from("abcdefgh"), SINGLE, min_size=1))
def test_a_run_is_read_as_it_was_written(tmp_path_factory: pytest.TempPathFactory, hits: dict[str, float]) -> None:
    file = tmp_path_factory.mktemp("runs") / "run.trec"
    run = {"q": ranked(list(hits), hits.values())}
    write_run(file, run, "tag")
    found = read_run(file, {"q": ""}, "inputs.runs")["q"]
    assert list(found.ids) == list(run["q"].ids)
    assert np.array_equal(found.scores, run["q"].scores)


def test_the_format_is_trec_s(tmp_path: Path) -> None:
    write_run(tmp_path / "run", {"q": ranked(["a", "b"], [0.5, 0.25])}, "model")
    assert (tmp_path / "run").read_text() == "q Q0 a 1 0.5 model\nq Q0 b 2 0.25 model\n"


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("q Q0 a 1 nan t", "line 1 of the run run has the score 'nan'"),
        ("q Q0 a 1 inf t", "must be finite"),
        ("q Q0 a 1 x t", "'x', not a number"),
        ("q Q0 a 1 1.0", "must be: query Q0 passage rank score tag"),
        ("z Q0 a 1 1.0 t", "1 unknown queries: 'z'"),
        ("q Q0 a 1 1.0 t\nq Q0 a 2 0.5 t", "line 2 .* a second time"),
    ],
)
def test_bad_runs_are_refused(tmp_path: Path, line: str, text: str) -> None:
    (tmp_path / "run").write_text(f"{line}\n")
    with pytest.raises(InvalidArgument, match=text) as error:
        read_run(tmp_path / "run", {"q": ""}, "inputs.runs")
    assert error.value.violations[0].field == "inputs.runs"


def test_only_a_query_s_own_passage_goes() -> None:
    run = without_own_passages({"q": ranked(["q", "r"], [2, 1]), "r": ranked(["q"], [2])})
    assert {query: list(hits.ids) for query, hits in run.items()} == {"q": ["r"], "r": ["q"]}


def test_reciprocal_rank_fusion_of_the_card() -> None:
    runs = [{"q": ranked(list(names), range(len(names), 0, -1))} for names in ("abc", "cad")]
    fused = reciprocal_rank_fusion(runs)["q"]
    assert list(fused.ids) == ["a", "c", "b", "d"]
    assert fused.scores.tolist() == pytest.approx([0.0325225, 0.0322665, 0.0161290, 0.0158730], abs=5e-8)


def test_a_query_that_one_run_lacks_is_fused_from_the_other() -> None:
    fused = reciprocal_rank_fusion([{"q": ranked(["a"], [1])}, {"r": ranked(["b"], [1])}])
    assert {query: list(hits.ids) for query, hits in fused.items()} == {"q": ["a"], "r": ["b"]}


def test_linear_fusion_scales_each_run_to_one() -> None:
    first, second = {"q": ranked(["a", "b", "c"], [30, 20, 10])}, {"q": ranked(["c", "d"], [0.2, 0.1])}
    fused = linear_fusion(first, second, weight=0.6)["q"]
    assert list(fused.ids) == ["a", "c", "b", "d"]
    assert fused.scores.tolist() == pytest.approx([0.6, 0.4, 0.3, 0.0])
