"""What is accepted: the parts of a submission that the runtime itself checks, and its digest."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterator

from palmette_plugins.api.errors import FieldViolation
from palmette_plugins.api.job_spec import JobSpec
from palmette_protos.v1 import job_pb2
from palmette_services.runtime.rpc.structs import struct_to_dict

_LABEL_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,62}")
_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")
_MOST_LABELS = 32
_LONGEST_LABEL = 256


def accepted_fields(job: job_pb2.Job) -> job_pb2.Job:
    """Return a copy with the fields that a submission sets; output-only fields are ignored."""
    accepted = job_pb2.Job(
        plugin=job.plugin, labels=job.labels, priority=job.priority, parent=job.parent, inputs=job.inputs
    )
    if job.HasField("config"):
        accepted.config.CopyFrom(job.config)
    if job.HasField("resources"):
        accepted.resources.CopyFrom(job.resources)
    if job.HasField("seed"):
        accepted.seed = job.seed
    return accepted


def content_digest(accepted: job_pb2.Job) -> bytes:
    """Return the SHA-256 of what was submitted: the same content under the same request id is the same job."""
    return hashlib.sha256(accepted.SerializeToString(deterministic=True)).digest()


def verdict_key(accepted: job_pb2.Job) -> bytes:
    """Return a digest of all that the check of plugin, inputs and configuration looks at."""
    checked = job_pb2.Job(plugin=accepted.plugin, inputs=accepted.inputs, config=accepted.config)
    return content_digest(checked)


def choose_seed(accepted: job_pb2.Job) -> None:
    """Give the job a seed if it has none, so that the run can be repeated."""
    if not accepted.HasField("seed"):
        accepted.seed = secrets.randbelow(2**31)


def job_spec(service: str, accepted: job_pb2.Job, artifact_store_url: str) -> JobSpec:
    """Return what the plugin's own check looks at."""
    return JobSpec(
        service=service,
        plugin=accepted.plugin,
        inputs={name: list(given.references) for name, given in accepted.inputs.items()},
        config=struct_to_dict(accepted.config),
        seed=accepted.seed,
        artifact_store_url=artifact_store_url,
    )


def runtime_violations(job: job_pb2.Job, request_id: str) -> Iterator[FieldViolation]:
    """Yield what is wrong with the fields that do not depend on the plugin."""
    if request_id and not _REQUEST_ID.fullmatch(request_id):
        yield FieldViolation("request_id", "takes 1 to 128 printable ASCII characters without spaces, such as a UUID")
    if len(job.labels) > _MOST_LABELS:
        yield FieldViolation("job.labels", f"takes at most {_MOST_LABELS} labels, got {len(job.labels)}")
    for key, value in job.labels.items():
        if not _LABEL_KEY.fullmatch(key):
            yield FieldViolation(f"job.labels[{key!r}]", "a key takes 1 to 63 letters, digits and ._/-")
        if len(value) > _LONGEST_LABEL:
            yield FieldViolation(f"job.labels[{key!r}]", f"a value takes at most {_LONGEST_LABEL} characters")
    if len(job.parent) > 256:
        yield FieldViolation("job.parent", "takes at most 256 characters")
    for name in ("gpus", "cpu", "memory_bytes", "nodes"):
        if getattr(job.resources, name) < 0:
            yield FieldViolation(f"job.resources.{name}", "must not be negative")
