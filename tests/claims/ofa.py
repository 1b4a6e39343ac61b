"""Once-for-All: sub-networks that are not retrained, against their largest, against themselves trained alone."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from palmette_plugins.architectures.loading import inspect_model_reference
from palmette_plugins.engines.elastic import Choice, Supernet, macs_table
from palmette_plugins.engines.elastic.extraction import plain_reference
from palmette_plugins.nas.ofa import OnceForAll
from palmette_plugins.nas.subnet_table import middle
from palmette_plugins.pruning_growth.dense_training import DenseTraining

from .claim import Claim, Outcome, Verdict, paired_margin
from .lab import CONFIRMING_SEEDS, Lab

POINTS = 100.0  # accuracy in [0, 1] to percentage points
OPEN = {"depths": [1, 2, 3], "expands": [2, 3, 4], "kernels": [3, 5]}
SPACE = {"name": "custom", "widths": [16, 24, 32], "strides": [2, 1], "stem_stride": 2, **OPEN}
SUPERNET = (
    "zoo:mobile-supernet?in_channels=1&widths=16,24,32&strides=2,1&stem_stride=2"
    "&depths=1,2,3&expands=2,3,4&kernels=3,5&resolutions=28"
)
RECIPE = {
    "batch_size": 64,
    "nesterov": True,
    "weight_decay": 3e-5,
    "decay_norm_and_bias": False,
    "label_smoothing": 0.1,
}


class OnceForAllClaim(Claim):
    """A small space on 28x28 photos; nothing is tuned: the settings are the card's."""

    slug = "ofa"
    duration = "about 50 minutes"

    def measure(self, lab: Lab, *, quick: bool) -> Outcome:
        """Train supernets, and the largest, middle and smallest of their networks alone."""
        self.lab, self.quick = lab, quick
        seeds = CONFIRMING_SEEDS[:1] if quick else CONFIRMING_SEEDS
        shrunk = [self._supernet("progressive shrinking", seed, self._stages()) for seed in seeds]
        uniform = [self._supernet("uniform sampling", seed, self._uniform()) for seed in seeds]
        alone = {name: [self._alone(name, choice, seed) for seed in seeds] for name, choice in self._networks.items()}
        verdicts = [
            untrained_below(shrunk, 60.0),
            near_largest(shrunk, 1.5, uniform),
            *(as_good_alone(name, shrunk, accuracies, 1.0) for name, accuracies in alone.items()),
            found_beats_random(shrunk),
        ]
        return Outcome(verdicts, {}, self._scale())

    def _supernet(self, arm: str, seed: int, stages: list[dict[str, Any]]) -> dict[str, float]:
        values = {
            "data": self._data(),
            "space": SPACE,
            "stages": stages,
            "predictor_samples": 100 if self.quick else 200,
            "calibration_images": 200 if self.quick else 1000,
            "constraints": [{"macs": self._half}],
            "controls": 20,
            "recipe": RECIPE,
        }
        return self.lab.confirm(arm, OnceForAll, seed, **values)

    def _alone(self, name: str, choice: Choice, seed: int) -> float:
        reference = str(plain_reference(SUPERNET, choice, None))
        recipe = {**RECIPE, "epochs": self._epochs(20), "lr": 0.1, "evaluate_every_epochs": self._epochs(20)}
        values = {"model": reference, "data": self._data(), "recipe": recipe}
        return self.lab.confirm(f"{name} alone", DenseTraining, seed, **values)["accuracy"]

    def _stages(self) -> list[dict[str, Any]]:
        plan: list[tuple[int, float, int, dict[str, list[int]]]] = [
            (20, 0.1, 1, {}),
            (6, 0.03, 1, {"kernels": OPEN["kernels"]}),
            (10, 0.05, 2, {"depths": OPEN["depths"]}),
            (24, 0.05, 2, {"expands": OPEN["expands"]}),
        ]
        return [self._stage(epochs, lr, count, opened) for epochs, lr, count, opened in plan]

    def _uniform(self) -> list[dict[str, Any]]:
        """Everything open from the start, as many epochs in all, and no teacher."""
        return [self._stage(60, 0.1, 2, OPEN)]

    def _stage(self, epochs: int, lr: float, subnetworks: int, opened: dict[str, list[int]]) -> dict[str, Any]:
        return {"epochs": self._epochs(epochs), "warmup_epochs": 0, "lr": lr, "subnetworks": subnetworks, **opened}

    @cached_property
    def _module(self) -> Supernet:
        module = inspect_model_reference(SUPERNET, "supernet", None, None).module
        assert isinstance(module, Supernet)
        return module

    @property
    def _networks(self) -> dict[str, Choice]:
        space = self._module.space
        return {"largest": space.largest, "middle": middle(space), "smallest": space.smallest}

    @property
    def _half(self) -> float:
        """Half of the largest network's multiply-adds."""
        return macs_table(self._module.space, 1, 10).of_choice(self._module.space.largest) / 2

    def _epochs(self, epochs: int) -> int:
        return 1 if self.quick else epochs

    def _data(self) -> str:
        return "fashion-mnist?limit=200&test_limit=200" if self.quick else "fashion-mnist?limit=2000&test_limit=2000"

    def _scale(self) -> str:
        total = sum(stage["epochs"] for stage in self._stages())
        return (
            "Widths 16, 24 and 32, depths 1 to 3, expand ratios 2 to 4, kernels 3 and 5 on "
            f"{'200' if self.quick else '2,000'} training and as many test photos of fashion-mnist; four stages of "
            f"{total} epochs in all in batches of 64. Random sub-networks are 12 for each seed, controls 20. Uniform "
            "sampling, with as many epochs and two sub-networks in each step, is shown and not judged."
        )


def percent(runs: list[dict[str, float]], name: str) -> list[float]:
    """Return a measurement of every run."""
    return [run[name] for run in runs]


def untrained_below(runs: list[dict[str, float]], bar: float) -> Verdict:
    """Sub-networks of a network that was never shrunk are bad."""
    measured = percent(runs, "stage-1/random/accuracy")
    gap, error = paired_margin([bar / POINTS] * len(runs), measured, POINTS)
    statement = (
        f"Sub-networks of the network that only trained as a whole average at most {bar:g} % (sorted, recalibrated)."
    )
    return Verdict(statement, gap >= 0, gap, "points", error, {"random after stage 1": measured})


def near_largest(runs: list[dict[str, float]], bar: float, uniform: list[dict[str, float]]) -> Verdict:
    """Random sub-networks of the finished supernet come close to its largest."""
    random, largest = percent(runs, "random/accuracy"), percent(runs, "largest/accuracy")
    gap, error = paired_margin(random, largest, POINTS)
    figures = {"random": random, "largest": largest} | {
        f"uniform: {name}": percent(uniform, f"{name}/accuracy") for name in ("random", "largest", "smallest")
    }
    statement = f"After progressive shrinking they average within {bar:g} points of the largest."
    return Verdict(statement, gap + bar >= 0, gap + bar, "points", error, figures)


def as_good_alone(name: str, runs: list[dict[str, float]], alone: list[float], slack: float) -> Verdict:
    """A sub-network is as good as the same network trained alone for as long as the largest was."""
    cut = percent(runs, f"{name}/accuracy")
    gap, error = paired_margin(cut, alone, POINTS)
    statement = f"The {name} sub-network, not retrained, is at most {slack:g} point worse than trained alone."
    return Verdict(statement, gap + slack >= 0, gap + slack, "points", error, {"cut out": cut, "alone": alone})


def found_beats_random(runs: list[dict[str, float]]) -> Verdict:
    """The search is worth its time."""
    found, random = percent(runs, "found-1/accuracy"), percent(runs, "found-1/controls/accuracy")
    gap, error = paired_margin(found, random, POINTS)
    statement = (
        "The network found at half of the largest's multiply-adds is at least as good as random ones that cost as much."
    )
    return Verdict(statement, gap >= 0, gap, "points", error, {"found": found, "random": random})
