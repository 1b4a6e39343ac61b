"""Running a method in a script or a notebook, without any server."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import platformdirs

from palmette_plugins.api.artifacts import ArtifactStore, Manifest
from palmette_plugins.api.errors import InvalidArgument
from palmette_plugins.api.execute import execute
from palmette_plugins.api.job_spec import JobSpec
from palmette_plugins.api.method import Method
from palmette_plugins.api.sink import JobSink, LoggingSink
from palmette_plugins.api.submission import Submission, submission_violations


@dataclass
class RunResult:
    """What a method produced.

    Attributes:
        artifacts: Artifact ids by output name, in the order saved.
        metrics: Last value of every metric that it reported.
        store: The store that holds the artifacts.
    """

    store: ArtifactStore
    artifacts: dict[str, list[str]] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)

    def manifest(self, output: str = "model") -> Manifest:
        """Return the manifest of the (last) artifact of an output."""
        return self.store.manifest(self.artifacts[output][-1])


class _Collecting:
    """Passes reports on and keeps metrics and artifacts."""

    def __init__(self, inner: JobSink, result: RunResult) -> None:
        self._inner = inner
        self._result = result
        self.progress = inner.progress
        self.log = inner.log
        self.figure = inner.figure
        self.cancel_reason = inner.cancel_reason

    def metric(self, name: str, value: float, step: int | None) -> None:
        self._result.metrics[name] = value
        self._inner.metric(name, value, step)

    def artifact(self, output: str, artifact: str, kind: str) -> None:
        self._result.artifacts.setdefault(output, []).append(artifact)
        self._inner.artifact(output, artifact, kind)


def run_method(
    method: type[Method],
    *,
    seed: int = 0,
    cpu: float = 0.0,
    store: str | Path | None = None,
    checkpoints: str | Path | None = None,
    sink: JobSink | None = None,
    **values: Any,
) -> RunResult:
    """Run `method` here and return what it produced.

    Args:
        method: The method's class.
        seed: Seed of every random draw.
        cpu: Cores to use; 0 for all.
        store: Folder or fsspec URL of the artifact store; the user's data folder when left out.
        checkpoints: Folder to resume from and to save into; a throw-away one when left out.
        sink: Where reports go; a logger when left out.
        **values: Inputs (a reference, or a list of them) and configuration fields, by name.

    Raises:
        InvalidArgument: With everything that is wrong at once.
    """
    inputs = {name: _references(values.pop(name)) for name in list(values) if name in method.inputs}
    store_url = str(store or Path(platformdirs.user_data_dir("palmette")) / "artifacts")
    with tempfile.TemporaryDirectory(prefix="palmette-") as scratch:
        spec = JobSpec(
            service="local",
            plugin=method.__name__,
            inputs=inputs,
            config=values,
            seed=seed,
            artifact_store_url=store_url,
            checkpoint_url=str(checkpoints or scratch),
            cpu=cpu,
        )
        violations = submission_violations(Submission(spec, method))
        if violations:
            raise InvalidArgument(violations)
        result = RunResult(ArtifactStore(store_url))
        execute(spec, _Collecting(sink or LoggingSink(), result), method)
    return result


def _references(value: str | Sequence[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
