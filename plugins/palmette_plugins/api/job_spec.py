"""What a job is to run, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class JobSpec:
    """One run of one method.

    Attributes:
        service: Service whose method it is, such as ``pruning_growth``.
        plugin: Name of the method's entry point.
        inputs: References by input name; a single-valued input has one.
        config: Configuration as submitted.
        seed: Seed of every random draw.
        artifact_store_url: fsspec URL of the artifact store.
        checkpoint_url: fsspec URL of the job's checkpoint folder; it outlives attempts.
        job: Resource name, ``services/{service}/jobs/{id}``; empty outside a service.
        cpu: Cores it may use; 0 for all.
    """

    service: str
    plugin: str
    inputs: Mapping[str, list[str]] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    artifact_store_url: str = ""
    checkpoint_url: str = ""
    job: str = ""
    cpu: float = 0.0
