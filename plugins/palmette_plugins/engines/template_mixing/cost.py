"""What training by growth costs, phase by phase."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import nn

from palmette_plugins.engines.template_mixing.charts import CurvePoint
from palmette_plugins.engines.template_mixing.mixture import TemplateMixture
from palmette_plugins.engines.training import TrainingResult

_FLOPS_PER_MAC = 2
_PASSES = 3  # a backward pass costs about two forward passes


@dataclass
class Ledger:
    """Training work so far.

    Attributes:
        flops: Phase -> its training FLOPs, those of mixing the weights included.
        examples: Phase -> training examples seen, each as often as it was.
        curve: Quality over work.
    """

    flops: dict[str, float] = field(default_factory=dict)
    examples: dict[str, int] = field(default_factory=dict)
    curve: list[CurvePoint] = field(default_factory=list)

    @property
    def total(self) -> float:
        """Training FLOPs of all phases."""
        return sum(self.flops.values())

    def add(self, phase: str, module: nn.Module, forward_macs: int, result: TrainingResult, metric: str) -> None:
        """Take in a training run of `module`; `forward_macs` are those of one example in the plain network."""
        flops = training_flops(forward_macs, result.examples) + mixing_flops(module, result.steps)
        name = f"validation/{metric}"
        self.curve += [
            CurvePoint(phase, self.total + flops * row["step"] / result.steps, row[name])
            for row in result.history
            if name in row
        ]
        self.flops[phase] = flops
        self.examples[phase] = result.examples

    def metrics(self, target_macs: int) -> dict[str, float]:
        """Return the work by phase, and that of training the target from scratch instead.

        From scratch the target would see as many examples as one member and the grown network together did.
        """
        scratch = training_flops(target_macs, self.examples["member-0"] + self.examples["grown"])
        return {
            **{f"training-flops/{phase}": flops for phase, flops in self.flops.items()},
            "training-flops/total": self.total,
            "training-flops/from-scratch": scratch,
            "training-flops/ratio": self.total / scratch,
        }


def training_flops(forward_macs: int, examples: int) -> float:
    """Return the FLOPs of seeing `examples` training examples, each as often as it was seen."""
    return float(_FLOPS_PER_MAC * _PASSES * forward_macs * examples)


def mixing_flops(module: nn.Module, steps: int) -> float:
    """Return the FLOPs of mixing all weights anew in every one of `steps` training steps."""
    macs = sum(mixture.mixing_macs() for mixture in module.modules() if isinstance(mixture, TemplateMixture))
    return float(_FLOPS_PER_MAC * _PASSES * macs * steps)
