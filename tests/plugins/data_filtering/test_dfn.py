"""Filtering from submission to what it leaves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import orjson
import pytest
from tests.plugins.datasets.pair_files import png, rows, uid, write_parquet, write_tar

from palmette_plugins.api import JobCancelled, RunResult, run_method
from palmette_plugins.api.resolve import load_dataset
from palmette_plugins.api.sink import LoggingSink
from palmette_plugins.datasets.pair_dataset import PairDataset
from palmette_plugins.datasets.uid_file import uid_array
from palmette_plugins.pruning_growth.dense_training import DenseTraining
from palmette_plugins.serving.export import Export

from .conftest import file_of, filtered, kept, scores


def test_what_a_job_leaves(whole: RunResult) -> None:
    assert set(whole.artifacts) == {"filter", "scores", "subset", "model", "report"}
    metrics = whole.manifest("report").metrics
    assert metrics["pool"] == 400
    assert metrics["kept"] == 100
    assert metrics["purity/pool"] == pytest.approx(0.3)
    assert {"filter/zero-shot", "induced/filtered/zero-shot", "induced/random/zero-shot", "induced/none/zero-shot"} <= (
        metrics.keys()
    )
    assert set(whole.manifest("report").figures) == {"scores", "examples"}
    report = orjson.loads(file_of(whole, "report", "report.json").read_bytes())
    assert any("Judge the filter by that" in sentence for sentence in report["reading"])
    assert {row["place"] for row in report["examples"]} == {"best", "just kept", "just not kept", "worst"}
    best = [row["score"] for row in report["examples"] if row["place"] == "best"]
    assert best == sorted(best, reverse=True)
    assert best[0] == max(row["score"] for row in scores(whole))


def test_every_induced_model_sees_the_same_number_of_samples(whole: RunResult, trained: dict[str, Any]) -> None:
    few = filtered(**trained | {"train_induced": True, "fraction": 0.02, "baselines": ["random"]})
    for result, names in ((whole, ("filtered", "random", "none")), (few, ("filtered", "random"))):
        assert {result.metrics[f"induced/{name}/samples"] for name in names} == {640.0}
    assert few.metrics["kept"] == 8  # fewer than a batch


def test_purity_and_recall_are_those_of_the_table(whole: RunResult) -> None:
    table = scores(whole)
    right = [row for row in table if row["clean"]]
    good = [row for row in right if row["kept"]]
    assert whole.metrics["purity/kept"] == len(good) / 100
    assert whole.metrics["recall"] == len(good) / len(right)
    assert whole.metrics["purity/kept"] > whole.metrics["purity/pool"]


def test_the_kept_pairs_are_the_best_ones(whole: RunResult) -> None:
    ranked = sorted(enumerate(scores(whole)), key=lambda item: (-item[1]["score"], item[0]))
    assert kept(whole) == {row["uid"] for _, row in ranked[:100]}
    assert whole.metrics["threshold"] == pytest.approx(ranked[99][1]["score"])


def test_the_subset_file_holds_the_kept_uids(whole: RunResult) -> None:
    assert np.array_equal(np.load(file_of(whole, "subset", "subset.npy")), uid_array(kept(whole)))


def test_the_subset_is_a_dataset_for_other_jobs(whole: RunResult, trained: dict[str, Any]) -> None:
    reference = f"artifact:{whole.artifacts['subset'][0]}"
    data = load_dataset(reference, "data", whole.store)
    assert isinstance(data, PairDataset)
    assert {pair.uid for pair in data.pool.pairs()} == kept(whole)
    assert dict(data.info.sizes) == {"train": 90, "validation": 5, "test": 5}
    assert data["train"][0][0].shape == (1, 8, 8)
    again = filtered(**trained | {"pool": reference, "fraction": 0.5})
    assert len(kept(again)) == 50
    assert kept(again) < kept(whole)
    assert set(again.manifest("subset").parents) == {whole.artifacts["subset"][0], whole.artifacts["filter"][0]}
    twice = load_dataset(f"artifact:{again.artifacts['subset'][0]}", "data", whole.store)
    assert isinstance(twice, PairDataset)
    assert {pair.uid for pair in twice.pool.pairs()} == kept(again)


def test_other_methods_train_on_the_subset(whole: RunResult) -> None:
    reference = f"artifact:{whole.artifacts['subset'][0]}"
    recipe = {"epochs": 1, "batch_size": 30, "optimizer": "adamw"}
    trained = run_method(DenseTraining, store=whole.store.url, cpu=1, model="clip:tiny", data=reference, recipe=recipe)
    manifest = trained.manifest()
    assert 0 <= manifest.metrics["retrieval"] <= 1
    assert manifest.parents == (whole.artifacts["subset"][0],)


@pytest.mark.slow
def test_the_induced_model_is_exported_for_any_batch(whole: RunResult) -> None:
    model = f"artifact:{whole.artifacts['model'][0]}"
    result = run_method(Export, store=whole.store.url, model=model)
    served = onnxruntime.InferenceSession(file_of(result, "servable", "model.onnx"))
    images, tokens = np.zeros((3, 1, 8, 8), np.float32), np.ones((3, 16), np.int64)
    vectors, texts, scale = served.run(None, {"image": images, "tokens": tokens})
    assert vectors.shape == texts.shape == (3, 32)
    assert scale.shape == (3, 1)


def test_a_filter_scores_the_same_in_another_job(whole: RunResult, trained: dict[str, Any]) -> None:
    again = filtered(**trained)
    assert [row["score"] for row in scores(again)] == [row["score"] for row in scores(whole)]


def test_kept_sets_are_nested(trained: dict[str, Any]) -> None:
    sets = [kept(filtered(**trained | {"fraction": fraction})) for fraction in (0.1, 0.29, 1.0)]
    assert [len(each) for each in sets] == [40, 116, 400]
    assert sets[0] < sets[1] < sets[2]


def test_a_threshold_found_on_one_pool_is_used_on_another(whole: RunResult, trained: dict[str, Any]) -> None:
    tau = whole.metrics["threshold"]
    same = filtered(**trained | {"fraction": None, "threshold": tau})
    assert kept(same) == kept(whole)
    other = filtered(**trained | {"fraction": None, "threshold": tau, "pool": "captioned:digits?skip=700&limit=300"})
    assert all(row["kept"] == (row["score"] >= tau) for row in scores(other))


def test_what_cannot_be_scored_is_never_kept(trained: dict[str, Any], tmp_path: Path) -> None:
    pairs = rows(20)
    pairs[3] = (pairs[3][0], b"no image", "a white square")
    pairs[5] = (pairs[5][0], pairs[5][1], "")
    result = filtered(**trained | {"pool": f"pairs:{write_parquet(tmp_path / 'pool.parquet', pairs)}", "fraction": 1.0})
    assert kept(result) == {name for name, _, _ in pairs} - {pairs[3][0], pairs[5][0]}
    assert result.metrics["dropped/unreadable-image"] == result.metrics["dropped/empty-caption"] == 1
    assert result.metrics["dropped/non-finite-score"] == 0
    assert {row["uid"]: row["dropped"] for row in scores(result) if row["dropped"]} == {
        pairs[3][0]: "unreadable-image",
        pairs[5][0]: "empty-caption",
    }


def test_shards_scored_apart_keep_the_same_set_as_one_pass(trained: dict[str, Any], tmp_path: Path) -> None:
    grey = [(uid(n + 1), png((5 * n, 255 - 5 * n, 100)), f"a shade number {n}") for n in range(40)]
    one = filtered(**trained | {"pool": f"pairs:{write_parquet(tmp_path / 'one.parquet', grey, group=40)}"})
    many = filtered(**trained | {"pool": f"pairs:{write_parquet(tmp_path / 'many.parquet', grey, group=3)}"})
    tars = filtered(**trained | {"pool": f"webdataset:{write_tar(tmp_path / '0.tar', grey)}"})
    assert kept(one) == kept(many) == kept(tars)
    assert [row["score"] for row in scores(many)] == pytest.approx([row["score"] for row in scores(one)], abs=1e-6)
    assert len(kept(one)) == 10


class StopAt(LoggingSink):
    """Cancels when a message has been reported so often."""

    def __init__(self, message: str, times: int) -> None:
        super().__init__()
        self._message, self._left = message, times
        self.messages: list[str] = []

    def progress(self, fraction: float, message: str, remaining_s: float | None) -> None:
        super().progress(fraction, message, remaining_s)
        self.messages.append(message)
        self._left -= message.startswith(self._message)

    def cancel_reason(self) -> str | None:
        return "the test asks for it" if self._left <= 0 else None


def test_a_resumed_job_ends_the_same(whole: RunResult, tmp_path: Path) -> None:
    settings = {"evaluation": "digits", "seed": 3, "checkpoints": tmp_path / "checkpoints"}
    with pytest.raises(JobCancelled):
        filtered(tmp_path, sink=StopAt("induced/random", 1), **settings)
    sink = StopAt("never", 1)
    resumed = filtered(tmp_path, sink=sink, **settings)
    assert [row["score"] for row in scores(resumed)] == [row["score"] for row in scores(whole)]
    assert resumed.manifest("report").metrics == whole.manifest("report").metrics
    assert not any(text.startswith(("filter:", "scored", "induced/filtered:")) for text in sink.messages)


def test_no_shard_is_scored_twice(trained: dict[str, Any], tmp_path: Path) -> None:
    pool = f"pairs:{write_parquet(tmp_path / 'pool.parquet', rows(60), group=10)}"
    settings = trained | {"pool": pool, "checkpoints": tmp_path / "checkpoints"}
    with pytest.raises(JobCancelled):
        filtered(**settings, sink=StopAt("scored", 3))
    sink = StopAt("never", 1)
    resumed = filtered(**settings, sink=sink)
    said = [text for text in sink.messages if text.startswith("scored")]
    assert said == [f"scored {done} of 60 pairs" for done in (40, 50, 60)]
    assert [row["score"] for row in scores(resumed)] == [
        row["score"] for row in scores(filtered(**trained | {"pool": pool}))
    ]


@pytest.mark.parametrize("scorer", ["binary", "reconstruction"])
def test_other_scorers_keep_the_same_number(tmp_path: Path, scorer: str) -> None:
    result = filtered(tmp_path, scorer=scorer, train_induced=False)
    assert len(kept(result)) == 100
    values = [row["score"] for row in scores(result)]
    assert len(set(values)) > 300
    assert max(values) <= (1 if scorer == "binary" else 0)
    again = filtered(
        tmp_path,
        scorer=scorer,
        filter="reference",
        network=f"artifact:{result.artifacts['filter'][0]}",
        clean=[],
        train_induced=False,
    )
    assert [row["score"] for row in scores(again)] == values


def test_a_filter_is_fine_tuned_on_labelled_images(whole: RunResult, tmp_path: Path) -> None:
    trusted = [
        {"data": "digits?limit=100", "templates": ["the number {}", "{} as written"]},
        {"data": "captioned:digits"},
    ]
    result = filtered(tmp_path, finetune=trusted, train_induced=False, seed=3)
    assert result.metrics["filter/samples"] == 640 + 320
    assert [row["score"] for row in scores(result)] != [row["score"] for row in scores(whole)]


def test_settings_may_be_chosen_on_the_validation_split(trained: dict[str, Any]) -> None:
    result = filtered(**trained | {"evaluation": "digits", "evaluation_split": "validation"})
    names = set(result.manifest("report").metrics)
    assert "validation/filter/zero-shot" in names
    assert all(name.startswith("validation/") for name in names)
