"""The guide's term of a training loss: pull layers of a target towards those of a frozen network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from palmette_plugins.api.errors import InvalidArgument
from palmette_plugins.engines.frozen import Frozen
from palmette_plugins.engines.representations.gathering import gathered
from palmette_plugins.engines.representations.pairing import Pair
from palmette_plugins.engines.representations.similarity import Distance
from palmette_plugins.engines.representations.taps import Recorder
from palmette_plugins.engines.training import TrainingStep

GuideInputs = Callable[[TrainingStep], tuple[Tensor, ...]]


@dataclass(frozen=True)
class PairSimilarity:
    """How alike a pair was at a step; `alive` is false where a layer does not vary over the batch."""

    pair: Pair
    value: float
    alive: bool


class GuideLoss:
    """alpha times the sum over pairs of 1 - similarity (Subramaniam et al., 2025, equation 2).

    To be given to `train` as its extra loss, inside `watching`, which records the target's layers.
    """

    def __init__(
        self,
        guide: Frozen,
        pairs: Sequence[Pair],
        *,
        inputs: GuideInputs,
        distance: Distance = Distance.CKA,
        alpha: float = 1.0,
        steps: int | None = None,
        per_position: bool = False,
        report: Callable[[int, Callable[[], list[PairSimilarity]]], None] | None = None,
    ) -> None:
        """Make the term.

        Args:
            guide: The frozen guide.
            pairs: Which layer follows which.
            inputs: What the guide sees at a step.
            distance: The measure.
            alpha: Weight of the term.
            steps: Only the first so many steps are guided; all when None.
            per_position: Compare sequences (n, length, features) position by position and sum.
            report: Called at every guided step with its number and a function that returns the similarities.
        """
        self._guide = guide
        self._pairs = tuple(pairs)
        self._inputs = inputs
        self._distance = distance
        self._alpha = alpha
        self._steps = steps
        self._per_position = per_position
        self._report = report
        self._of_target: dict[str, Tensor] = {}
        self._of_guide: dict[str, Tensor] = {}

    @contextmanager
    def watching(self, target: nn.Module) -> Iterator[None]:
        """Record the paired layers of `target` and of the guide inside the block."""
        with ExitStack() as stack:
            targets = list(dict.fromkeys(pair.target for pair in self._pairs))
            guides = list(dict.fromkeys(pair.guide for pair in self._pairs))
            self._of_target = stack.enter_context(Recorder(target, targets).recording())
            self._of_guide = stack.enter_context(Recorder(self._guide.module, guides).recording())
            yield

    def __call__(self, step: TrainingStep) -> Tensor:
        """Return the term for one step; 0 once the guided steps are over."""
        if self._steps is not None and step.number >= self._steps:
            return torch.zeros((), device=next(step.module.parameters()).device)
        self._guide(*self._inputs(step))
        similarities = self._similarities()
        if self._report is not None:
            self._report(step.number, lambda: _readable(self._pairs, similarities))
        return self._alpha * (1.0 - torch.cat(similarities)).sum()

    def _similarities(self) -> list[Tensor]:
        """Return the similarities of each pair: one number, or one per position."""
        targets = {name: self._matrices(gathered(output), name) for name, output in self._of_target.items()}
        with torch.no_grad():
            guides = {name: self._matrices(gathered(output), name) for name, output in self._of_guide.items()}
        found = []
        for pair in self._pairs:
            first, second = targets[pair.target], guides[pair.guide]
            if len(first) != len(second):
                raise InvalidArgument.field(
                    "config.per_position",
                    f"needs sequences of equal length, but '{pair.target}' has {len(first)} positions and the "
                    f"guide's '{pair.guide}' {len(second)}; set it to false or choose other layers",
                )
            found.append(torch.stack([self._distance.similarity_of(a, b) for a, b in zip(first, second, strict=True)]))
        return found

    def _matrices(self, features: Tensor, name: str) -> list[Tensor]:
        if not self._per_position:
            return [self._distance.matrix(features)]
        if features.ndim != 3:
            raise InvalidArgument.field(
                "config.per_position",
                f"needs layers with outputs (n, length, features), but '{name}' gives {tuple(features.shape)}; "
                "set it to false or choose other layers with taps_target and taps_guide",
            )
        return [self._distance.matrix(position) for position in features.unbind(1)]


def _readable(pairs: Sequence[Pair], similarities: Sequence[Tensor]) -> list[PairSimilarity]:
    return [
        PairSimilarity(pair, float(values.detach().mean()), values.requires_grad)
        for pair, values in zip(pairs, similarities, strict=True)
    ]
