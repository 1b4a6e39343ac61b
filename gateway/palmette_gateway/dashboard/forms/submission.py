"""A filled-in form as the submission of a job."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from palmette.types import Plugin
from palmette.wire.scalars import struct_of
from palmette_gateway.dashboard.forms.fields import Field, FieldKind
from palmette_gateway.dashboard.forms.reading import Problems, read_fields
from palmette_gateway.dashboard.forms.schema import fields_of
from palmette_protos.v1 import job_pb2, reference_pb2

RUN_FIELDS = (
    Field("seed", FieldKind.INTEGER, "of every random draw; chosen at submission when left out"),
    Field("priority", FieldKind.INTEGER, "higher runs first", default=0),
    Field("labels", FieldKind.TEXT, "for finding it again: team=vision, run=3"),
    Field("resources.gpus", FieldKind.INTEGER, "whole GPUs", "at least 0", default=0),
    Field("resources.cpu", FieldKind.NUMBER, "CPU cores; the service's default when left out", "at least 0"),
    Field("resources.memory_gb", FieldKind.NUMBER, "memory, in GB; the service's default when left out"),
    Field("resources.nodes", FieldKind.INTEGER, "nodes of a distributed job", default=0),
)


@dataclass(frozen=True)
class Submission:
    """What a form asks for; `problems` are the fields that cannot be read."""

    inputs: dict[str, list[str]]
    config: dict[str, Any]
    run: dict[str, Any]
    labels: dict[str, str]
    problems: Problems = field(default_factory=Problems)

    def request(self, plugin: Plugin, nonce: str, validate_only: bool) -> job_pb2.SubmitJobRequest:
        """Return the call. The same form sent twice gives one job; a changed one gives another."""
        resources = self.run.get("resources", {})
        job = job_pb2.Job(
            plugin=plugin.id,
            inputs={name: reference_pb2.InputReferences(references=texts) for name, texts in self.inputs.items()},
            config=struct_of(self.config, "config"),
            labels=self.labels,
            priority=self.run.get("priority", 0),
            seed=self.run.get("seed"),
            resources=job_pb2.Resources(
                gpus=resources.get("gpus", 0),
                cpu=resources.get("cpu", 0.0),
                memory_bytes=round(resources.get("memory_gb", 0.0) * 1e9),
                nodes=resources.get("nodes", 0),
            ),
        )
        digest = hashlib.sha256(nonce.encode() + job.SerializeToString(deterministic=True)).hexdigest()[:32]
        return job_pb2.SubmitJobRequest(
            parent=f"services/{plugin.service}",
            job=job,
            request_id=f"dashboard-{digest}" if nonce else "",
            validate_only=validate_only,
        )


def read_submission(plugin: Plugin, form: Mapping[str, str]) -> Submission:
    """Read a filled-in form."""
    problems = Problems()
    inputs = {}
    for item in plugin.inputs:
        text = form.get(f"inputs.{item.name}", "")
        references = [line.strip() for line in text.splitlines() if line.strip()] if item.repeated else [text.strip()]
        if any(references):
            inputs[item.name] = references
    config = read_fields(fields_of(plugin.config_schema), form, problems)
    run: dict[str, Any] = {}
    for path, value in ((part.path, read_fields([part], form, problems)) for part in RUN_FIELDS):
        for name, own in value.items():
            group, _, _ = path.rpartition(".")
            (run.setdefault(group, {}) if group else run)[name] = own
    labels = _labels(run.pop("labels", ""), problems)
    _check_sizes(run, problems)
    return Submission(inputs, config, run, labels, problems)


def _labels(text: str, problems: Problems) -> dict[str, str]:
    labels = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        key, sign, value = part.partition("=")
        if not sign or not key.strip() or not value.strip():
            problems["labels"] = f"'{part}' is not name=value"
        labels[key.strip()] = value.strip()
    return labels


def _check_sizes(run: dict[str, Any], problems: Problems) -> None:
    """Numbers that the wire cannot carry are refused here; all others are for the service to judge."""
    limits = {"seed": 2**63, "priority": 2**31}
    for name, limit in limits.items():
        if not -limit <= run.get(name, 0) < limit:
            problems[name] = f"must lie between -{limit:,} and {limit - 1:,}"
            del run[name]
    for name, value in list(run.get("resources", {}).items()):
        if not 0 <= value < 2**31:
            problems[f"resources.{name}"] = "must not be negative, nor that large"
            del run["resources"][name]
