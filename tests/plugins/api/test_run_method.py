"""Running a method without a server: reports, artifacts, lineage, seeds and cancellation."""

import logging
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from pydantic import Field

from palmette_plugins.api import (
    DatasetRef,
    InvalidArgument,
    JobCancelled,
    Kind,
    Method,
    MethodConfig,
    Model,
    ModelRef,
    Table,
    run_method,
)
from palmette_plugins.architectures.loading import load_model_reference


class Recorder:
    """A sink that remembers."""

    def __init__(self, cancel_after=None):
        self.events: list[tuple[Any, ...]] = []
        self._cancel_after = cancel_after

    def progress(self, fraction, message, eta_s):
        self.events.append(("progress", fraction, message, eta_s))

    def metric(self, name, value, step):
        self.events.append(("metric", name, value, step))

    def log(self, severity, text):
        self.events.append(("log", severity, text))

    def figure(self, name, vega_lite):
        self.events.append(("figure", name, vega_lite))

    def artifact(self, output, artifact, kind):
        self.events.append(("artifact", output, artifact, kind))

    def cancel_reason(self):
        return "enough" if self._cancel_after is not None and len(self.events) >= self._cancel_after else None

    def of(self, kind):
        return [event[1:] for event in self.events if event[0] == kind]


class Shift(Method):
    """Adds a number to the classifier's bias."""

    kind = Kind.TRAIN
    inputs: ClassVar = {"models": list[ModelRef], "data": DatasetRef | None}
    outputs: ClassVar = {"model": list[Model], "rows": Table}

    class Config(MethodConfig):
        by: float = Field(1.0, ge=0)

    def run(self, job):
        drawn = (float(torch.rand(1)), float(np.random.random()), float(torch.rand(1, generator=job.generator("x"))))
        job.logger.warning("drew %.3f", drawn[0])
        for index, model in enumerate(job.models("models")):
            with torch.no_grad():
                model.module.layers[-1].bias += self.config.by
            job.progress((index + 1) / 2, f"model {index}")
            job.metric("bias", model.module.layers[-1].bias[0].item(), step=index)
            job.figure("bars", {"mark": "bar", "data": {"values": [index]}})
            job.save_model(model, metrics={"index": index}, attributes={"drawn": drawn})
        job.save_table([{"a": np.float32(0.5)}], output="rows")


def run(tmp_path, **options):
    sink = Recorder(options.pop("cancel_after", None))
    values = {"models": ["zoo:mlp?hidden=4"], "data": "digits", **options}
    return run_method(Shift, store=tmp_path / "artifacts", sink=sink, **values), sink


def test_reports_reach_the_sink_in_order(tmp_path):
    _, sink = run(tmp_path)

    assert [event[0] for event in sink.events] == ["log", "progress", "metric", "figure", "artifact", "artifact"]
    assert sink.of("progress") == [(0.5, "model 0", None)]
    assert sink.of("log")[0][0] == logging.WARNING
    assert sink.of("metric") == [("bias", pytest.approx(sink.of("metric")[0][1]), 0)]


def test_the_result_holds_artifacts_and_metrics(tmp_path):
    result, sink = run(tmp_path, models=["zoo:mlp?hidden=4", "zoo:mlp?hidden=5"])

    assert [len(ids) for ids in result.artifacts.values()] == [2, 1]
    assert result.metrics == {"bias": sink.of("metric")[-1][1]}
    assert result.manifest("model").metrics == {"index": 1.0}
    table = result.store.local_path(result.artifacts["rows"][0], "table.json").read_bytes()
    assert b'"a": 0.5' in table


def test_a_manifest_says_where_an_artifact_came_from(tmp_path):
    result, _ = run(tmp_path, by=2.0, seed=9)
    manifest = result.manifest("model")

    assert manifest.plugin == "local/Shift"
    assert manifest.plugin_version == ""  # a test is no distribution
    assert manifest.config == {"by": 2.0}
    assert manifest.seed == 9
    assert manifest.inputs == {"models": ["zoo:mlp?hidden=4"], "data": ["digits"]}
    assert manifest.task == manifest.spec.task == "classification"
    assert len(manifest.dataset_fingerprint) == 64
    assert manifest.figures["bars"]["mark"] == "bar"
    assert {"python", "torch", "palmette-plugins"} <= set(manifest.environment)


def test_lineage_names_every_parent_once(tmp_path):
    first = f"artifact:{run(tmp_path)[0].artifacts['model'][0]}"
    second = f"artifact:{run(tmp_path, seed=1)[0].artifacts['model'][0]}"

    result, _ = run(tmp_path, models=[first, second, first])

    assert result.manifest("model").parents == tuple(text.removeprefix("artifact:") for text in (first, second))


def test_the_method_changed_the_weights_that_were_saved(tmp_path):
    before = run(tmp_path)[0]
    after, _ = run(tmp_path, models=[f"artifact:{before.artifacts['model'][0]}"], by=3.0)

    old, new = (
        load_model_reference(f"artifact:{r.artifacts['model'][0]}", "model", None, r.store, seed=0).module
        for r in (before, after)
    )
    assert torch.allclose(new.layers[-1].bias - old.layers[-1].bias, torch.tensor(3.0))
    assert torch.equal(new.layers[0].weight, old.layers[0].weight)


def test_the_seed_decides_every_draw(tmp_path):
    first, again, other = (run(tmp_path, seed=seed)[0].manifest("model") for seed in (1, 1, 2))

    assert first.attributes == again.attributes != other.attributes
    assert first.files == again.files
    assert first.files != other.files


def test_a_cancelled_method_stops_at_its_next_report_and_saves_nothing(tmp_path):
    with pytest.raises(JobCancelled, match="enough"):
        run(tmp_path, cancel_after=1)

    assert not (tmp_path / "artifacts" / "manifests").exists()


def test_everything_wrong_is_said_before_anything_runs(tmp_path):
    with pytest.raises(InvalidArgument) as caught:
        run(tmp_path, by=-1, bye=2, data=[])

    assert [violation.field for violation in caught.value.violations] == ["config.by", "config.bye"]


def test_without_data_a_model_is_saved_but_not_servable(tmp_path):
    result, _ = run(tmp_path, data=[])

    assert result.manifest("model").spec.io is None


def test_an_undeclared_output_is_a_mistake_of_the_method(tmp_path):
    class Wrong(Shift):
        def run(self, job):
            job.save_table([], output="model-table")

    with pytest.raises(ValueError, match="'model-table' is not a declared output"):
        run_method(Wrong, store=tmp_path / "artifacts", models=["zoo:mlp"])


def test_progress_estimates_the_time_left_from_where_this_attempt_started(tmp_path, monkeypatch):
    clock = iter([0.0, 10.0, 20.0, 30.0])
    monkeypatch.setattr("palmette_plugins.api.job_clock.time.monotonic", lambda: next(clock))

    class Resumed(Shift):
        def run(self, job):
            for fraction in (0.5, 0.75, 2.0):
                job.progress(fraction)

    sink = Recorder()
    run_method(Resumed, store=tmp_path / "artifacts", sink=sink, models=["zoo:mlp"])

    # From 0.5 to 0.75 in 20 s since the start, so 0.25 more takes 20 s.
    assert sink.of("progress") == [(0.5, "", None), (0.75, "", 20.0), (1.0, "", 0.0)]
