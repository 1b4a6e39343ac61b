"""What the demo found out about each model, and the table of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table

from palmette.cli.formatting import count_text, size_text
from palmette.demo.candidates import DENSE, Candidate
from palmette.job import Job
from palmette.types import Artifact


@dataclass(frozen=True)
class Trained:
    """A candidate after training.

    Attributes:
        artifact: The model that its job saved.
        accuracy: On the held-out images, measured by PyTorch.
        weights_bytes: Size of the weights' file.
        train_s: Time from the job's start to its end.
    """

    candidate: Candidate
    artifact: Artifact
    accuracy: float
    parameters: int
    nonzeros: int
    effective_macs: int
    weights_bytes: int
    train_s: float

    @classmethod
    def of(cls, candidate: Candidate, job: Job, artifact: Artifact) -> Trained:
        """Read what the job measured."""
        metrics = job.metrics
        info = job.info
        weights = [file.size_bytes for file in artifact.files if file.path.startswith("weights")]
        return cls(
            candidate=candidate,
            artifact=artifact,
            accuracy=metrics["accuracy"],
            parameters=round(metrics["parameters"]),
            nonzeros=round(metrics["nonzeros"]),
            effective_macs=round(metrics["effective_macs"]),
            weights_bytes=sum(weights),
            train_s=(info.end_time - info.start_time).total_seconds() if info.end_time and info.start_time else 0.0,
        )


@dataclass(frozen=True)
class Served:
    """A deployed model as a client sees it: accuracy on all held-out images, latency of single images."""

    accuracy: float
    p50_ms: float
    p99_ms: float
    images: int


def comparison_table(trained: Sequence[Trained], latency: dict[str, Served]) -> Table:
    """Return one row a model; what is reduced is also said as a share of the dense model."""
    dense = next(each for each in trained if each.candidate.name == DENSE)
    table = Table(title=None, header_style="bold", box=None, padding=(0, 2, 0, 0))
    for heading in ("model", "accuracy", "parameters", "non-zeros", "MACs", "on disk", "latency", "training"):
        table.add_column(heading, justify="left" if heading == "model" else "right")
    for each in trained:
        served = latency.get(each.candidate.name)
        table.add_row(
            each.candidate.title,
            f"{each.accuracy:.2%}",
            count_text(each.parameters),
            _share(each.nonzeros, dense.nonzeros),
            _share(each.effective_macs, dense.effective_macs),
            size_text(each.weights_bytes),
            f"{served.p50_ms:.2f} ms" if served else "-",
            f"{each.train_s:.0f} s",
        )
    return table


def _share(value: int, whole: int) -> str:
    return count_text(value) if value == whole else f"{count_text(value)} ({value / whole:.0%})"


def best_reduced(trained: Sequence[Trained]) -> Trained:
    """Return the most accurate model that computes with less than the dense one."""
    dense = next(each for each in trained if each.candidate.name == DENSE)
    reduced = [each for each in trained if each.effective_macs < dense.effective_macs]
    return max(reduced, key=lambda each: each.accuracy)
