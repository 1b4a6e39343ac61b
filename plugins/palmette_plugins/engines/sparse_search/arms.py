"""The arms of a comparison: networks of one parent, trained alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from palmette_plugins.api.architecture import LoadedModel
from palmette_plugins.api.data import Dataset
from palmette_plugins.engines.recipe import Recipe
from palmette_plugins.engines.training import train

if TYPE_CHECKING:
    from palmette_plugins.api.job import JobContext


@dataclass(frozen=True)
class ArmResult:
    """What became of one trained network.

    Attributes:
        final: The task's measurements on the test split.
        history: ``step`` and ``train/loss`` by epoch.
        weights: Its trained state, where it was to be kept.
    """

    final: dict[str, float]
    history: list[dict[str, float]]
    weights: dict[str, Tensor] | None = None


class Arms:
    """Trains networks with one recipe; each sees the same batches in the same order as the others of its replicate."""

    def __init__(self, job: JobContext, data: Dataset, recipe: Recipe) -> None:
        self._job = job
        self._data = data
        self._recipe = recipe

    def train(
        self, phase: str, network: LoadedModel, *, replicate: int, progress: tuple[float, float], keep: bool = False
    ) -> ArmResult:
        """Train a network in place and measure it; what an earlier attempt of the job finished is only read.

        Args:
            phase: Its name within the job.
            network: Where it starts.
            replicate: Number of the seed; networks of one replicate see the same batches.
            progress: Range of the job's progress.
            keep: Keep its trained weights in the result, and so in every later checkpoint.
        """
        finished = self._job.phases.finished(phase)
        if finished is None or "final" not in finished:
            finished = self._train(phase, network, replicate, progress)
            if keep:
                state = network.module.state_dict()
                finished["weights"] = {name: tensor.detach().cpu().clone() for name, tensor in state.items()}
            self._job.phases.finish(phase, finished)  # in the place of the weights that `train` left there
        network.module.cpu()
        steps, losses = finished["steps"].tolist(), finished["losses"].tolist()
        history = [{"step": step, "train/loss": loss} for step, loss in zip(steps, losses, strict=True)]
        return ArmResult(finished["final"], history, finished.get("weights"))

    def _train(self, phase: str, network: LoadedModel, replicate: int, progress: tuple[float, float]) -> dict[str, Any]:
        result = train(
            _Quiet(self._job),  # type: ignore[arg-type]
            network,
            self._data,
            self._recipe,
            phase=phase,
            draws=f"replicate/{replicate}",
            progress=progress,
            validate_split=None,
        )
        rows: list[Mapping[str, float]] = list(result.history)
        return {
            "final": self._job.evaluate(network, self._data),
            "steps": torch.tensor([row["step"] for row in rows], dtype=torch.float64),
            "losses": torch.tensor([row["train/loss"] for row in rows], dtype=torch.float64),
        }


class _Quiet:
    """A job without the curves of single runs: there are hundreds, and one figure shows them."""

    def __init__(self, job: JobContext) -> None:
        self._job = job

    def __getattr__(self, name: str) -> Any:
        return getattr(self._job, name)

    def metric(self, name: str, value: float, step: int | None = None) -> None:
        """Keep it to yourself."""

    def metrics(self, values: Mapping[str, float], step: int | None = None, prefix: str = "") -> None:
        """Keep them to yourself."""
