"""Layer lottery: a shallow network found at initialisation, against the deep one and against a narrow one."""

from __future__ import annotations

from typing import Any

from palmette_plugins.api.resolve import describe_dataset
from palmette_plugins.architectures.loading import inspect_model_reference
from palmette_plugins.engines.block_costs import block_costs
from palmette_plugins.pruning_growth.dense_training import DenseTraining
from palmette_plugins.pruning_growth.layer_lottery import LayerLottery

from .claim import Claim, Outcome, Verdict, paired_margin
from .lab import CONFIRMING_SEEDS, Lab

LEARNING_RATES = (0.05, 0.1)
POINTS = 100.0  # accuracy in [0, 1] to percentage points
WIDTH = 16  # of the deep network
BLOCKS_REMOVED = 7  # of 15


class LayerLotteryClaim(Claim):
    """ResNet-32 on Fashion-MNIST, 7 of its 15 blocks left out."""

    slug = "layer-lottery"
    duration = "about 25 minutes"

    def measure(self, lab: Lab, *, quick: bool) -> Outcome:
        """Tune one learning rate for all arms together, then compare at equal epochs."""
        seeds = CONFIRMING_SEEDS[:1] if quick else CONFIRMING_SEEDS
        self.lab = lab
        self.limit, self.test_limit, self.epochs = (400, 200, 1) if quick else (10_000, 10_000, 6)
        self.lr = lab.tune(LEARNING_RATES, self._tuning_score)
        tickets = [lab.confirm("layers", LayerLottery, seed, **self._ticket(self.lr)) for seed in seeds]
        narrow = [narrower(int(ticket["macs"]), str(self._data())) for ticket in tickets]
        layers = [ticket["accuracy"] for ticket in tickets]
        dense = [self._dense("dense", WIDTH, seed) for seed in seeds]
        filters = [self._dense("filters", width, seed) for width, seed in zip(narrow, seeds, strict=True)]
        scale = (
            f"ResNet-32 without {BLOCKS_REMOVED} of its 15 blocks (GraSP at initialisation), {self.limit:,} training "
            f"and {self.test_limit:,} test images of Fashion-MNIST, {self.epochs} epochs for every network. The filter "
            f"tickets have width {', '.join(map(str, sorted(set(narrow))))} instead of {WIDTH}, the narrowest with no "
            "fewer multiply-adds than the layer ticket; among independent initial weights any choice of filters is a "
            "narrower network."
        )
        verdicts = [near_dense(layers, dense), faster(tickets), against_filters(layers, filters)]
        return Outcome(verdicts, {"lr": self.lr}, scale)

    def _tuning_score(self, lr: float, seed: int) -> float:
        """Return the mean validation accuracy of the deep network and the ticket, so that neither is favoured."""
        dense = self.lab.validate(f"dense, lr {lr}", DenseTraining, seed, **self._values(WIDTH, lr))
        ticket = self.lab.validate(f"layers, lr {lr}", LayerLottery, seed, **self._ticket(lr))
        return (dense["accuracy"] + ticket["accuracy"]) / 2

    def _dense(self, arm: str, width: int, seed: int) -> float:
        return self.lab.confirm(arm, DenseTraining, seed, **self._values(width, self.lr))["accuracy"]

    def _ticket(self, lr: float) -> dict[str, Any]:
        return {**self._values(WIDTH, lr), "blocks_removed": BLOCKS_REMOVED}

    def _values(self, width: int, lr: float) -> dict[str, Any]:
        return {
            "model": f"zoo:resnet32?width={width}",
            "data": self._data(),
            "recipe": {"epochs": self.epochs, "lr": lr, "evaluate_every_epochs": self.epochs},
        }

    def _data(self) -> str:
        return f"fashion-mnist?limit={self.limit}&test_limit={self.test_limit}"


def narrower(macs: int, data: str) -> int:
    """Return the smallest width at which the network has at least `macs` multiply-adds."""
    info = describe_dataset(data, "data")

    def of_width(width: int) -> int:
        module = inspect_model_reference(f"zoo:resnet32?width={width}", "model", info, None).module
        return block_costs(module, (), info).model.macs

    return next(width for width in range(1, WIDTH + 1) if of_width(width) >= macs)


def near_dense(layers: list[float], dense: list[float]) -> Verdict:
    """The ticket's accuracy against the deep network's."""
    margin, error = paired_margin(layers, dense, POINTS)
    return Verdict(
        "The ticket, with 47 % fewer blocks, stays within 1 point of the deep network.",
        margin >= -1,
        margin + 1,
        "points",
        error,
        {"layers": layers, "dense": dense},
    )


def faster(tickets: list[dict[str, float]]) -> Verdict:
    """Time of a training step, both networks measured in turns."""
    ratios = [ticket["dense/step_time_ms"] / ticket["step_time_ms"] for ticket in tickets]
    margin, error = paired_margin(ratios, [1.5] * len(ratios))
    return Verdict(
        "The ticket's training step, and so its epoch, is at least 1.5 times as fast.",
        margin >= 0,
        margin,
        "times",
        error,
        {"deep / ticket": ratios},
    )


def against_filters(layers: list[float], filters: list[float]) -> Verdict:
    """The layer ticket against the filter ticket."""
    margin, error = paired_margin(layers, filters, POINTS)
    return Verdict(
        "At equal multiply-adds the ticket of layers is more accurate than the ticket of filters.",
        margin > 0,
        margin,
        "points",
        error,
        {"layers": layers, "filters": filters},
    )
