"""BEIR from submission to leaderboard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from palmette_plugins.api import ArtifactKind, InvalidArgument, RunResult, run_method
from palmette_plugins.api.artifacts import ArtifactStore
from palmette_plugins.architectures.packaged_weights import packaged_folder
from palmette_plugins.datasets.collections.folder import read_collection, write_collection
from palmette_plugins.datasets.collections.passages import Passage
from palmette_plugins.engines.retrieval.measures import measure_run
from palmette_plugins.engines.retrieval.run import read_run
from palmette_plugins.retrieval.beir import Beir

PASSAGES = [
    Passage("d1", "Cats", "Cats chase mice."),
    Passage("d2", "Dogs", "Dogs chase cats."),
    Passage("d3", "Cheese", "Mice eat cheese. Dogs do not."),
    Passage("q1", "", "what do cats chase"),
    Passage("d5", "Weather", "It rains."),
]
QUERIES = {"q1": "what do cats chase", "q2": "who eats cheese", "q3": "zebra"}
JUDGED = {"q1": {"d1": 2, "d2": 1}, "q2": {"d3": 1}, "q3": {"d5": 1}}


@pytest.fixture
def animals(tmp_path: Path) -> Path:
    write_collection(tmp_path / "animals", PASSAGES, QUERIES, {"test": JUDGED})
    return tmp_path / "animals"


def compare(folder: Path, **values: Any) -> RunResult:
    return run_method(Beir, store=folder / "artifacts", cpu=1, **values)


def file(result: RunResult, output: str, name: str, number: int = -1) -> bytes:
    return result.store.get(result.artifacts[output][number]).file(name).read_bytes()


def test_lexical_models_leave_runs_and_a_leaderboard(animals: Path, tmp_path: Path) -> None:
    result = compare(tmp_path, sets=f"beir:{animals}", variants=["segmented"])
    board = orjson.loads(file(result, "leaderboard", "leaderboard.json"))
    assert {entry["model"] for entry in board["entries"]} == {"bm25_flat", "bm25_multifield", "bm25_flat-segmented"}
    assert set(result.manifest("leaderboard").figures) == {"gain over BM25", "query by query", "recall by depth"}
    run = file(result, "runs", "animals.trec", 0).decode()
    assert "q1 Q0 q1" not in run  # the query's own passage
    assert "q3" not in run  # no term in common
    assert result.metrics["bm25_flat/R@100"] == pytest.approx((1 + 1 + 0) / 3)
    assert "| bm25_flat | lexical |" in file(result, "leaderboard", "leaderboard.md").decode()


def test_equal_ids_may_mean_nothing(animals: Path, tmp_path: Path) -> None:
    result = compare(tmp_path, sets=f"beir:{animals}", models=["bm25_flat"], remove_identical_ids=False)
    assert file(result, "runs", "animals.trec").decode().startswith("q1 Q0 q1 1 ")


def test_the_same_config_gives_the_same_bytes_and_a_fused_run(animals: Path, tmp_path: Path) -> None:
    values = {"sets": f"beir:{animals}", "encoders": f"hf:{packaged_folder('minilm')}", "variants": ["hybrid"]}
    first, second = (compare(tmp_path / name, models=["bm25_flat"], **values) for name in "ab")
    names = [manifest.attributes["model"] for manifest in map(first.store.manifest, first.artifacts["runs"])]
    assert names == ["bm25_flat", "model", "rrf(bm25_flat, model)"]
    for number in range(3):
        assert file(first, "runs", "animals.trec", number) == file(second, "runs", "animals.trec", number)
    timed = ("seconds", "qps")
    assert {name: value for name, value in first.metrics.items() if not name.endswith(timed)} == {
        name: value for name, value in second.metrics.items() if not name.endswith(timed)
    }
    assert first.metrics["model/R@100"] == 1.0  # a dense model returns every passage
    assert first.metrics["model/index-bytes"] == 5 * 384 * 4


def test_a_ready_run_measures_as_the_run_that_it_is(animals: Path, tmp_path: Path) -> None:
    first = compare(tmp_path, sets=f"beir:{animals}", models=["bm25_flat"])
    again = compare(tmp_path, sets=f"beir:{animals}", models=[], runs=f"artifact:{first.artifacts['runs'][0]}")
    assert again.metrics["bm25_flat/nDCG@10"] == first.metrics["bm25_flat/nDCG@10"]
    path = first.store.get(first.artifacts["runs"][0]).file("animals.trec")
    collection = read_collection(animals)
    measured = measure_run(read_run(path, collection.queries, "runs"), collection.judgements["test"], ["nDCG@10"])
    assert measured.mean("nDCG@10") == pytest.approx(first.metrics["bm25_flat/nDCG@10"])
    assert first.artifacts["runs"][0] in again.manifest("leaderboard").parents


def test_forums_count_as_one_set(tmp_path: Path) -> None:
    for name, judged in (("android", {"q1": {"d1": 1}}), ("english", {"q3": {"d5": 1}, "q2": {"d5": 1}})):
        write_collection(tmp_path / "forums" / name, PASSAGES, QUERIES, {"test": judged})
    result = compare(tmp_path, sets=f"beir:{tmp_path}/forums", models=["bm25_flat"], metrics=["R@100"])
    assert result.metrics["bm25_flat/R@100"] == 0.5  # (1 + 0) / 2 and not 1 / 3
    assert {file.path for file in result.manifest("runs").files} == {"forums/android.trec", "forums/english.trec"}


def test_a_bootstrap_sample_depends_on_the_seed(animals: Path, tmp_path: Path) -> None:
    values = {"sets": f"beir:{animals}", "models": ["bm25_flat"], "resample_queries": True, "metrics": ["R@100"]}
    found = [compare(tmp_path, seed=seed, **values).metrics["bm25_flat/R@100"] for seed in (0, 0, 1, 2, 3, 4)]
    assert found[0] == found[1]
    assert len(set(found)) > 1


def test_a_stale_public_set_is_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_collection(tmp_path / "scifact", PASSAGES, QUERIES, {"test": JUDGED})
    compare(tmp_path, sets=f"beir:{tmp_path}/scifact", models=["bm25_flat"])
    assert "the public set 5,183 and 300" in caplog.text


@pytest.mark.parametrize(
    ("values", "field", "text"),
    [
        ({"split": "train"}, "inputs.sets", "judges nothing in the split train"),
        ({"models": []}, "config.models", "nothing to compare"),
        ({"variants": ["hybrid"]}, "config.variants", "hybrid needs a lexical model and an encoder"),
        ({"metrics": ["nDGC@10"]}, "config.metrics", "'nDGC@10'"),
        ({"encoders": "zoo:resnet8"}, "inputs.encoders", "ranking"),
        ({"sets": "digits"}, "inputs.sets", "is a classification dataset"),
        ({"hits": 9}, "config.hits", "greater than or equal to 10"),
    ],
)
def test_bad_input_is_refused(animals: Path, tmp_path: Path, values: dict[str, Any], field: str, text: str) -> None:
    with pytest.raises(InvalidArgument) as error:
        compare(tmp_path, **{"sets": f"beir:{animals}", **values})
    assert [(violation.field, text in violation.description) for violation in error.value.violations] == [(field, True)]


@pytest.mark.parametrize(
    ("line", "text"),
    [("q1 Q0 d1 1 nan t", "nan"), ("q9 Q0 d1 1 1.0 t", "unknown queries: 'q9'")],
)
def test_bad_runs_are_refused(animals: Path, tmp_path: Path, line: str, text: str) -> None:
    store = ArtifactStore(str(tmp_path / "artifacts"))
    with store.writer() as writer:
        writer.add_bytes("animals.trec", line.encode())
        identifier = writer.commit(kind=ArtifactKind.RUN)
    with pytest.raises(InvalidArgument, match=text):
        compare(tmp_path, sets=f"beir:{animals}", models=[], runs=f"artifact:{identifier}")


def test_a_run_without_a_set_is_refused(animals: Path, tmp_path: Path) -> None:
    first = compare(tmp_path, sets=f"beir:{animals}", models=["bm25_flat"])
    with pytest.raises(InvalidArgument, match=r"has no other\.trec"):
        compare(tmp_path, sets=f"beir:{animals}?name=other", models=[], runs=f"artifact:{first.artifacts['runs'][0]}")


def test_two_sets_of_one_name_are_refused(animals: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="'animals' names two sets"):
        compare(tmp_path, sets=[f"beir:{animals}", f"beir:{animals}?group=pets"], models=["bm25_flat"])
