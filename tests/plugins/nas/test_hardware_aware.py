"""Hardware-aware search over a small supernet, from submission to models."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from palmette_plugins.api import InvalidArgument, JobCancelled, RunResult, run_method
from palmette_plugins.api.references import Reference
from palmette_plugins.api.sink import LoggingSink
from palmette_plugins.architectures.loading import load_model_reference
from palmette_plugins.datasets.digits import Digits
from palmette_plugins.engines.evaluation import evaluate
from palmette_plugins.engines.multi_objective import predictors
from palmette_plugins.engines.profiling import profile_layers, totals
from palmette_plugins.nas import subnet_measurements
from palmette_plugins.nas.hardware_aware import HardwareAware
from palmette_plugins.nas.ofa import OnceForAll

DATA = "digits?limit=200"
SPACE = {
    "name": "custom",
    "widths": [8, 8, 16],
    "strides": [2, 1],
    "depths": [1, 2],
    "expands": [2, 4],
    "kernels": [3, 5],
}
Search = Callable[..., RunResult]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("artifacts")


def trained(store: Path, **space: Any) -> str:
    opened = {name: values for name, values in {**SPACE, **space}.items() if name in ("depths", "expands", "kernels")}
    result = run_method(
        OnceForAll,
        store=store,
        cpu=1,
        data=DATA,
        space={**SPACE, **space},
        stages=[{"epochs": 2, "lr": 0.1, "warmup_epochs": 0, "subnetworks": 2, **opened}],
        predictor_samples=100,
        predictor_images=50,
        calibration_images=50,
        generations=2,
        reported=1,
        recipe={"batch_size": 50},
    )
    return f"artifact:{result.artifacts['supernet'][0]}"


@pytest.fixture(scope="module")
def supernet(store: Path) -> str:
    return trained(store)


@pytest.fixture
def search(store: Path, supernet: str, monkeypatch: pytest.MonkeyPatch) -> Search:
    monkeypatch.setattr(predictors, "RIDGE_ALPHAS", np.array([0.1, 10.0]))
    monkeypatch.setattr(predictors, "SVR_COSTS", np.array([1.0, 100.0]))

    def run(**values: Any) -> RunResult:
        settings = {
            "supernet": supernet,
            "data": DATA,
            "measurements": 20,
            "population": 10,
            "inner_evaluations": 100,
            **values,
        }
        return run_method(HardwareAware, store=store, cpu=1, **settings)

    return run


def table(result: RunResult, output: str) -> list[dict[str, Any]]:
    return json.loads(Path(result.store.local_path(result.artifacts[output][-1], "table.json")).read_text())


def test_every_model_of_the_front_is_the_network_that_was_measured(search: Search) -> None:
    result = search(extract="all", objectives=["accuracy", "macs", "params"])
    front = table(result, "front")
    data = Digits().load(Reference.parse(DATA))

    assert len(result.artifacts["model"]) == len(front) > 1
    for artifact, row in zip(result.artifacts["model"], front, strict=True):
        module = load_model_reference(f"artifact:{artifact}", "model", None, result.store, seed=0).module
        sums = totals(profile_layers(module, (1, 8, 8)))
        assert (sums.parameters, sums.macs) == (row["params"], row["macs"])
        measured = evaluate(module, data, "validation", device="cpu")
        assert measured["accuracy"] == pytest.approx(row["accuracy"], abs=1e-6)
        assert measured["loss"] == pytest.approx(row["loss"], abs=1e-5)


def test_the_front_is_of_measured_networks_that_none_beats(search: Search) -> None:
    result = search()
    rows, front = table(result, "archive"), table(result, "front")

    assert len(rows) == result.metrics["measurements"] == 20
    assert len({json.dumps(row["configuration"]) for row in rows}) == 20
    for row in front:
        assert row in rows
        assert not [r for r in rows if r["accuracy"] >= row["accuracy"] and r["macs"] < row["macs"]]
    assert len(result.artifacts["model"]) == 1
    assert {"front", "hypervolume", "predictors"} <= result.manifest("model").figures.keys()
    assert result.metrics["predictor/macs/kendall"] > 0.5


def test_the_archive_is_a_parquet_file_with_genes_and_measurements(search: Search) -> None:
    result = search(tactic="random", measurements=10)
    archive = pq.read_table(result.store.local_path(result.artifacts["archive"][0], "archive.parquet"))

    wanted = {"genes", "configuration", "round", "accuracy", "macs", "params", "size_bytes"}
    assert wanted <= set(archive.column_names)
    assert archive.num_rows == 10
    rounds = result.manifest("archive").attributes["rounds"]
    assert rounds[-1]["measurements"] == 10
    assert rounds[-1]["hypervolume"] == pytest.approx(result.metrics["hypervolume"])


def test_latency_is_measured_on_the_device_when_it_matters(search: Search) -> None:
    result = search(
        tactic="random", measurements=10, objectives=["accuracy", "latency_ms"], latency_batch=64, device="cpu"
    )

    assert all(row["latency_ms"] > 0 and row["latency_deviation_ms"] >= 0 for row in table(result, "archive"))
    assert "latency_ms" not in table(search(tactic="random", measurements=10), "archive")[0]


def test_a_warm_start_and_its_overlap_with_the_earlier_front(search: Search) -> None:
    earlier = search(tactic="random")
    reference = f"artifact:{earlier.artifacts['archive'][0]}"

    result = search(tactic="warm_start", earlier=reference, measurements=10)

    assert result.metrics["front-overlap"] > 0
    assert result.metrics["hypervolume"] == pytest.approx(earlier.metrics["hypervolume"], abs=0.05)
    assert earlier.artifacts["archive"][0] in result.manifest("archive").parents


def test_fewer_evaluation_images_are_drawn_from_the_validation_split(search: Search) -> None:
    rows = table(search(tactic="random", measurements=10, eval_samples=7), "archive")

    assert {round(7 * row["accuracy"], 6) % 1 for row in rows} == {0.0}


class _Stopping(LoggingSink):
    """Asks to stop at a share of the progress."""

    def __init__(self, at: float) -> None:
        super().__init__()
        self.at, self.fraction = at, 0.0

    def progress(self, fraction: float, message: str, eta_s: float | None) -> None:
        self.fraction = fraction

    def cancel_reason(self) -> str | None:
        return "stopped by the test" if self.fraction >= self.at else None


def test_a_resumed_job_measures_nothing_twice_and_ends_the_same(
    search: Search, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("palmette_plugins.engines.multi_objective.evaluator._SAVE_S", -1.0)
    undisturbed = search()
    counted: list[Any] = []
    original = subnet_measurements.SubnetMeasurements.__call__
    monkeypatch.setattr(
        subnet_measurements.SubnetMeasurements,
        "__call__",
        lambda self, key, **options: counted.append(key) or original(self, key, **options),
    )
    with pytest.raises(JobCancelled):
        search(checkpoints=tmp_path / "checkpoints", sink=_Stopping(0.6))
    interrupted = len(counted)

    resumed = search(checkpoints=tmp_path / "checkpoints")

    assert 10 < interrupted < 20
    assert len(counted) == len(set(counted)) == 20
    assert table(resumed, "archive") == table(undisturbed, "archive")
    assert resumed.metrics == undisturbed.metrics


@pytest.mark.parametrize(
    ("values", "field", "reason"),
    [
        ({"population": 21}, "config", "population must not exceed measurements"),
        ({"population": 5}, "config.population", "greater than or equal to 10"),
        ({"objectives": ["accuracy", "accuracy"]}, "config", "given once"),
        ({"objectives": ["speed"]}, "config.objectives.0", "'accuracy'"),
        ({"objectives": ["accuracy", "macs", "params"], "algorithm": "nsga2"}, "config.algorithm", "is for 2 obj"),
        (
            {"objectives": ["accuracy", "macs", "params"], "algorithm": "moead", "constraints": {"macs": {"upper": 9}}},
            "config.algorithm",
            "takes no constraints",
        ),
        ({"constraints": {"macs": {}}}, "config.constraints.macs", "set lower, upper or both"),
        ({"constraints": {"macs": {"lower": 2, "upper": 1}}}, "config.constraints.macs", "lower must not exceed"),
        ({"device": "tpu:0"}, "config.device", "must be auto, cpu, cuda"),
        ({"device": "cuda:99"}, "config.device", "is not here"),
        ({"tactic": "warm_start"}, "inputs.earlier", "required"),
        ({"supernet": "zoo:resnet8"}, "inputs.supernet", "is no artifact"),
        ({"constraints": {"params": {"upper": 10}}}, "config.constraints.params", "params from .* to .* was seen"),
    ],
)
def test_bad_input_is_refused_with_its_field(search: Search, values: dict[str, Any], field: str, reason: str) -> None:
    with pytest.raises(InvalidArgument, match=reason) as caught:
        search(**values)

    assert field in [violation.field for violation in caught.value.violations]


def test_a_search_of_another_space_is_refused(search: Search, store: Path) -> None:
    other = trained(store, kernels=[3, 7])
    archive = search(supernet=other, tactic="random", measurements=10).artifacts["archive"][0]

    with pytest.raises(InvalidArgument, match="another space") as caught:
        search(tactic="warm_start", earlier=f"artifact:{archive}")

    assert caught.value.violations[0].field == "inputs.earlier"


def test_something_else_than_an_archive_is_refused(search: Search) -> None:
    front = search(tactic="random", measurements=10).artifacts["front"][0]

    with pytest.raises(InvalidArgument, match="not the archive of a search"):
        search(tactic="warm_start", earlier=f"artifact:{front}")
