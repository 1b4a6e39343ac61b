"""Once-for-All from submission to artifacts."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest
import torch

from palmette_plugins.api import InvalidArgument, JobCancelled, LoadedModel, RunResult, run_method
from palmette_plugins.api.references import Reference
from palmette_plugins.api.sink import LoggingSink
from palmette_plugins.architectures.loading import load_model_reference
from palmette_plugins.datasets.digits import Digits
from palmette_plugins.engines.elastic import CalibrationImages, Supernet, extract, macs_table, recalibrate
from palmette_plugins.engines.elastic.recalibration import IMAGES
from palmette_plugins.nas.described_choice import parse_choice
from palmette_plugins.nas.ofa import OnceForAll
from palmette_plugins.pruning_growth.dense_training import DenseTraining

DATA = "digits?limit=200"
OPEN = {"depths": [1, 2], "expands": [2, 4], "kernels": [3, 5]}
SPACE = {"name": "custom", "widths": [8, 8, 16], "strides": [2, 1], **OPEN}
SHORT = {"epochs": 1, "warmup_epochs": 0}
STAGES = [
    {**SHORT, "epochs": 3, "lr": 0.1},
    {**SHORT, "lr": 0.03, "kernels": [3, 5]},
    {**SHORT, "lr": 0.05, "depths": [1, 2], "subnetworks": 2},
    {**SHORT, "lr": 0.05, "expands": [2, 4], "subnetworks": 2},
]
LIMIT = 100_000.0
CONSTRAINTS = [{"macs": LIMIT}, {"macs": 150_000, "parameters": 20_000}]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("artifacts")


def train(store: Path, **values: Any) -> RunResult:
    settings = {
        "data": DATA,
        "space": SPACE,
        "stages": STAGES,
        "predictor_samples": 100,
        "predictor_images": 100,
        "calibration_images": 100,
        "generations": 20,
        "reported": 2,
        "recipe": {"batch_size": 50},
        **values,
    }
    return run_method(OnceForAll, store=store, cpu=1, **settings)


@pytest.fixture(scope="module")
def trained(store: Path) -> RunResult:
    return train(store, constraints=CONSTRAINTS, controls=2)


def loaded(result: RunResult, output: str, index: int = 0) -> LoadedModel:
    return load_model_reference(f"artifact:{result.artifacts[output][index]}", "model", None, result.store, seed=0)


@cache
def images() -> Any:
    return CalibrationImages(Digits().load(Reference.parse(DATA)), 0, images=100)


def test_what_a_job_leaves(trained: RunResult) -> None:
    manifest = trained.manifest("supernet")
    assert {"stages", "predictor", "sub-networks"} <= set(manifest.figures)
    assert "search" in trained.manifest("model").figures
    wanted = {f"{what}/accuracy" for what in ("largest", "middle", "smallest", "random")}
    assert wanted | {f"validation/{name}" for name in wanted} <= set(manifest.metrics)
    assert {"predictor/rmse", "predictor/kendall"} <= set(manifest.metrics)
    assert {f"stage-{n}/{w}" for n in (1, 2, 3, 4) for w in wanted} <= set(trained.metrics)
    assert trained.metrics["largest/accuracy"] > 0.3
    assert len(trained.artifacts["model"]) == 2
    assert trained.manifest("model").parents == (trained.artifacts["supernet"][0],)


def test_the_table_has_every_measured_sub_network(trained: RunResult) -> None:
    path = trained.store.local_path(trained.artifacts["subnetworks"][0], "table.json")
    rows = orjson.loads(Path(path).read_bytes())
    whats = [row["what"] for row in rows]
    assert whats.count("sample") == 100
    assert whats.count("largest") == 4
    assert whats.count("random") == 8
    assert sum(what.startswith("found") for what in whats) == 2
    assert sum(what.startswith("control") for what in whats) == 4
    assert all(row["test"] is None or 0 <= row["test"] <= 1 for row in rows)
    controls = [row for row in rows if row["what"] == f"control: macs <= {LIMIT:g}"]
    found = next(row for row in rows if row["what"] == f"found: macs <= {LIMIT:g}")
    assert all(abs(row["macs"] - found["macs"]) <= 0.03 * found["macs"] for row in controls)


def test_found_networks_are_plain_keep_their_limits_and_are_the_supernets(trained: RunResult) -> None:
    supernet = loaded(trained, "supernet")
    assert isinstance(supernet.module, Supernet)
    manifest = trained.store.manifest(trained.artifacts["model"][0])
    assert manifest.spec is not None
    assert manifest.spec.architecture.startswith("zoo:mobile?")
    assert manifest.metrics["macs"] <= LIMIT
    second = trained.store.manifest(trained.artifacts["model"][1]).metrics
    assert second["macs"] <= 150_000
    assert second["parameters"] <= 20_000
    plain = loaded(trained, "model").module.eval()
    assert not any("elastic" in type(part).__module__ for part in plain.modules())
    values = Reference.parse(manifest.spec.architecture).parameters
    lists = {name: values[name].split(",") for name in ("depths", "expands", "kernels")}
    choice = parse_choice(supernet.module.space, lists, "choice")
    again = extract(supernet, choice).module
    recalibrate(again, images())
    batch = torch.randn(4, 1, 8, 8)
    with torch.no_grad():
        torch.testing.assert_close(again(batch), plain(batch), atol=1e-6, rtol=0)


def test_a_supernet_answers_as_its_largest_network(trained: RunResult) -> None:
    supernet = loaded(trained, "supernet")
    assert isinstance(supernet.module, Supernet)
    largest = extract(supernet, supernet.module.space.largest).module
    recalibrate(largest, images())
    batch = torch.randn(4, 1, 8, 8)
    with torch.no_grad():
        torch.testing.assert_close(supernet.module.eval()(batch), largest(batch), atol=1e-6, rtol=0)


class CancelAt(LoggingSink):
    """Asks the job to stop when it reports a message with this text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text, self._seen = text, False

    def progress(self, fraction: float, message: str, eta_s: float | None) -> None:
        self._seen = self._seen or self._text in message

    def cancel_reason(self) -> str | None:
        return "enough" if self._seen else None


@pytest.mark.parametrize("where", ["stage-3", "sub-network 80/"])
def test_a_job_goes_on_where_it_stopped(store: Path, trained: RunResult, tmp_path: Path, where: str) -> None:
    same = {"constraints": CONSTRAINTS, "controls": 2}
    with pytest.raises(JobCancelled):
        train(store, checkpoints=tmp_path, sink=CancelAt(where), **same)
    resumed = train(store, checkpoints=tmp_path, **same)
    names = [name for name in trained.metrics if "train/" not in name]
    assert {name: resumed.metrics[name] for name in names} == {name: trained.metrics[name] for name in names}
    first, second = (loaded(run, "model").module.state_dict() for run in (trained, resumed))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_teacher_and_stages_change_what_is_learned(store: Path, trained: RunResult) -> None:
    alone = train(store, kd_ratio=0.0, constraints=[{"macs": LIMIT, "latency_ms": 1e6}])
    assert alone.metrics["found-1/macs"] <= LIMIT
    assert "found-1/controls" not in alone.metrics
    uniform = train(store, seed=1, stages=[{**SHORT, "lr": 0.1, "subnetworks": 2, **OPEN}])
    weights = [loaded(run, "supernet").module.state_dict()["stem.0.weight"] for run in (trained, alone, uniform)]
    assert not torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
    assert uniform.metrics["stage-1/random/accuracy"] == uniform.metrics["random/accuracy"]


def test_a_found_network_trains_on(store: Path, trained: RunResult) -> None:
    reference = f"artifact:{trained.artifacts['model'][0]}"
    result = run_method(
        DenseTraining, store=store, cpu=1, model=reference, data=DATA, recipe={"epochs": 1, "lr": 0.01}, seed=0
    )
    assert result.manifest().metrics["macs"] == trained.store.manifest(trained.artifacts["model"][0]).metrics["macs"]


@pytest.mark.parametrize(
    ("values", "field", "text"),
    [
        ({"constraints": [{"macs": 10}]}, "config.constraints.0.macs", "must be at least "),
        ({"constraints": [{"macs": 1e6}, {"parameters": 7}]}, "config.constraints.1.parameters", "must be at least "),
        ({"constraints": [{}]}, "config.constraints.0", "set macs, parameters or latency_ms"),
        ({"stages": [*STAGES, {**SHORT, "kernels": [5]}]}, "config.stages.4.kernels", "drops 3"),
        ({"stages": [*STAGES, {**SHORT, "kernels": [3, 5, 7]}]}, "config.stages.4.kernels", "not in the space: 7"),
        ({"stages": STAGES[:3]}, "config.stages", "no stage opens expands 2"),
        ({"stages": [{**SHORT, "kernels": [3, 5]}, *STAGES[2:]]}, "config.stages.0", "largest network alone"),
        ({"space": {**SPACE, "resolutions": [1, 8]}}, "config.space", "too small for strides that divide by 2"),
        ({"space": {**SPACE, "kernels": [4, 5]}}, "config.space", "odd"),
        ({"space": {**SPACE, "strides": [2]}}, "config.space", "one more entry"),
        ({"space": {"name": "mbv3", "widths": [8, 8]}}, "config.space", "for custom spaces"),
        ({"predictor_samples": 99}, "config.predictor_samples", "greater than or equal to 100"),
        ({"recipe": {"epochs": 3}}, "config", "belongs to the stages"),
        ({"recipe": {"compile": True}}, "config.recipe.compile", "must be false"),
        ({"data": "prose"}, "inputs.data", "classification"),
    ],
)
def test_bad_input_is_refused(store: Path, values: dict[str, Any], field: str, text: str) -> None:
    with pytest.raises(InvalidArgument) as error:
        train(store, **values)
    assert [(found.field, text in found.description) for found in error.value.violations] == [(field, True)], error


def test_the_smallest_possible_value_is_the_right_one(store: Path) -> None:
    reference = "zoo:mobile-supernet?in_channels=1&widths=8,8,16&strides=2,1&depths=1,2&expands=2,4&kernels=3,5"
    supernet = load_model_reference(reference + "&resolutions=8", "model", None, None, seed=0).module
    assert isinstance(supernet, Supernet)
    least = int(macs_table(supernet.space, 1, 10).of_choice(supernet.space.smallest))
    with pytest.raises(InvalidArgument, match=f"must be at least {least}"):
        train(store, constraints=[{"macs": least - 1}])
    assert IMAGES == 2000
