"""Jobs as a busy afternoon leaves them."""

from __future__ import annotations

import json
import math

from google.protobuf.any_pb2 import Any as ProtoAny
from google.protobuf.duration_pb2 import Duration
from google.rpc import code_pb2, error_details_pb2, status_pb2
from tests.gateway.dashboard.sample_suite.job_store import JobStore

from palmette_protos.v1 import job_pb2 as pb
from palmette_protos.v1 import reference_pb2

EPOCHS = 20
FIGURE = json.dumps(
    {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.1.0.json",
        "title": "Density per layer",
        "data": {"values": [{"layer": f"stage{i // 3}.block{i % 3}", "density": 0.9 / (i + 1)} for i in range(9)]},
        "mark": {"type": "bar", "tooltip": True},
        "encoding": {
            "x": {"field": "density", "type": "quantitative", "axis": {"format": ".0%"}},
            "y": {"field": "layer", "type": "nominal", "sort": None},
            "opacity": {"condition": {"test": "datum.density > 0.2", "value": 1}, "value": 0.6},
        },
    }
)


def refs(**inputs: str | list[str]) -> dict[str, reference_pb2.InputReferences]:
    """Return inputs by name."""
    return {
        name: reference_pb2.InputReferences(references=[value] if isinstance(value, str) else value)
        for name, value in inputs.items()
    }


def loss(epoch: float, floor: float = 0.25) -> float:
    """A training curve."""
    return floor + 2.0 * math.exp(-epoch / 4)


def report_epoch(store: JobStore, name: str, epoch: int, age_s: float = 0.0, total: int = EPOCHS) -> None:
    """Report what a training job reports after an epoch."""
    for step in range(4):
        value = loss(epoch + step / 4) + 0.03 * math.sin(epoch * 4 + step)
        store.put(name, age_s=age_s, metric=pb.Metric(name="train/loss", value=value, step=epoch * 100 + step * 25))
    store.put(name, age_s=age_s, metric=pb.Metric(name="train/lr", value=0.1 * (1 - epoch / total), step=epoch * 100))
    store.put(name, age_s=age_s, metric=pb.Metric(name="validation/loss", value=loss(epoch, 0.32), step=epoch * 100))
    accuracy = 0.93 - 0.6 * math.exp(-epoch / 3)
    store.put(name, age_s=age_s, metric=pb.Metric(name="validation/accuracy", value=accuracy, step=epoch * 100))
    store.put(
        name,
        age_s=age_s,
        progress=pb.Progress(
            fraction=(epoch + 1) / total,
            message=f"epoch {epoch + 1} of {total}",
            eta=Duration(seconds=round(6.5 * (total - epoch - 1))),
        ),
    )
    store.put(
        name,
        age_s=age_s,
        log=pb.LogLine(severity=pb.LOG_SEVERITY_INFO, text=f"epoch {epoch + 1}: validation accuracy {accuracy:.4f}"),
    )


def start(store: JobStore, name: str, age_s: float = 0.0) -> None:
    """Start a job."""
    store.put(name, age_s=age_s, state=pb.StateChange(state=pb.JOB_STATE_RUNNING))
    store.put(name, age_s=age_s, log=pb.LogLine(severity=pb.LOG_SEVERITY_INFO, text="CPU, 2 threads, seed 7"))


def succeed(store: JobStore, name: str, artifacts: dict[str, str], age_s: float = 0.0) -> None:
    """End a job well."""
    for output, artifact in artifacts.items():
        kind = "table" if output == "plan" else "model"
        store.put(name, age_s=age_s, artifact=pb.ArtifactCommitted(output=output, artifact=artifact, kind=kind))
    store.put(name, age_s=age_s, metric=pb.Metric(name="test/accuracy", value=0.9187))
    store.put(name, age_s=age_s, metric=pb.Metric(name="nonzeros", value=28_666))
    store.put(name, age_s=age_s, state=pb.StateChange(state=pb.JOB_STATE_SUCCEEDED))


def fail(store: JobStore, name: str, cause: str, exception: str, tail: str, age_s: float = 0.0) -> None:
    """End a job with an error as a service records it."""
    details = []
    for detail in (error_details_pb2.ErrorInfo(reason=exception), error_details_pb2.DebugInfo(detail=tail)):
        packed = ProtoAny()
        packed.Pack(detail)
        details.append(packed)
    for line in tail.splitlines():
        store.put(name, age_s=age_s, log=pb.LogLine(severity=pb.LOG_SEVERITY_ERROR, text=line))
    store.jobs[name].error.CopyFrom(status_pb2.Status(code=code_pb2.INTERNAL, message=cause, details=details))
    store.put(name, age_s=age_s, state=pb.StateChange(state=pb.JOB_STATE_FAILED, reason=cause))


def fill(store: JobStore, models: list[str]) -> str:
    """Store an afternoon of jobs; return the name of the one that trains."""
    common = {"user": "ada", "labels": {"team": "vision"}}
    dense = store.add(
        "pruning_growth",
        "dense-training",
        age_s=5400,
        inputs=refs(model="zoo:resnet20", data="fashion-mnist"),
        **common,
    )
    start(store, dense.name, 5390)
    for epoch in range(EPOCHS):
        report_epoch(store, dense.name, epoch, 5380 - epoch * 60)
    succeed(store, dense.name, {"model": models[0]}, 4100)
    failed = store.add(
        "pruning_growth",
        "random-pruning",
        age_s=3000,
        inputs=refs(model="zoo:vgg16", data="imagefolder:/data/flowers"),
        **common,
    )
    start(store, failed.name, 2990)
    store.put(
        failed.name,
        age_s=2980,
        log=pb.LogLine(severity=pb.LOG_SEVERITY_WARNING, text="<script>alert('log')</script> 3 images cannot be read"),
    )
    fail(
        store,
        failed.name,
        "out of memory at batch size 4096: use a smaller recipe.batch_size (1024 needs about 6 GB)",
        "ResourceExhausted",
        "Traceback (most recent call last):\n  ...\nMemoryError",
        2900,
    )
    cancelled = store.add("pruning_growth", "dense-training", age_s=2000, inputs=refs(model="zoo:mlp", data="digits"))
    start(store, cancelled.name, 1990)
    store.put(cancelled.name, age_s=1900, state=pb.StateChange(state=pb.JOB_STATE_CANCELLED, reason="cancelled by ada"))
    pruned = store.add(
        "pruning_growth",
        "random-pruning",
        age_s=300,
        inputs=refs(model="zoo:resnet20", data="fashion-mnist"),
        user="ada",
        labels={"team": "vision", "note": "\"><script>alert('label')</script>"},
    )
    pruned.config.update(
        {"density": 0.1, "ratio": "erk", "recipe": {"epochs": EPOCHS, "lr": 0.1, "milestones": [10, 15]}}
    )
    start(store, pruned.name, 80)
    store.put(pruned.name, age_s=79, figure=pb.Figure(name="density", vega_lite_json=FIGURE))
    for epoch in range(12):
        report_epoch(store, pruned.name, epoch, 78 - epoch * 6)
    waiting = store.add(
        "pruning_growth", "model-averaging", age_s=60, inputs=refs(models=[f"artifact:{models[0][10:]}"]), **common
    )
    waiting.waiting_reason = "waiting for a slot (1 of 1 busy)"
    return pruned.name
