"""How fast a network learned: steps until its training loss falls to a target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def steps_to_loss(history: Sequence[Mapping[str, float]], target: float) -> float | None:
    """Return the optimizer step at which the training loss first reaches `target`; None if it never does.

    Epoch means stand for the middle of their epoch, and between them the loss is taken to change evenly.

    Args:
        history: Rows of `TrainingResult.history`.
        target: The loss to reach.
    """
    before: tuple[float, float] | None = None
    start = 0.0
    for row in history:
        step, loss = (start + row["step"]) / 2, row["train/loss"]
        start = row["step"]
        if loss <= target:
            if before is None:
                return step
            share = (before[1] - target) / (before[1] - loss)
            return before[0] + share * (step - before[0])
        before = step, loss
    return None


def common_target(histories: Sequence[Sequence[Mapping[str, float]]]) -> float:
    """Return the lowest training loss that every one of several runs reached."""
    return max(min(row["train/loss"] for row in history) for history in histories)
