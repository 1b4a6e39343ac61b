"""Learning-rate schedules as pure functions of the step: nothing to save, nothing to restore."""

from __future__ import annotations

import math

from palmette_plugins.engines.recipe import Recipe, ScheduleKind


def learning_rate_factor(recipe: Recipe, step: int, steps_per_epoch: int, total_steps: int) -> float:
    """Return what the learning rate of every parameter group is multiplied by at `step`.

    Args:
        recipe: Schedule, warm-up and its limits.
        step: Number of the optimizer step, from 0.
        steps_per_epoch: Steps of one epoch.
        total_steps: Steps of the whole training.
    """
    warmup_steps = round(recipe.warmup_epochs * steps_per_epoch)
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    if recipe.schedule is ScheduleKind.CONSTANT:
        return 1.0
    if recipe.schedule is ScheduleKind.STEP:
        epoch = step // steps_per_epoch
        return recipe.gamma ** sum(epoch >= milestone for milestone in milestone_epochs(recipe))
    return _cosine(recipe, step - warmup_steps, max(1, total_steps - warmup_steps))


def milestone_epochs(recipe: Recipe) -> tuple[int, ...]:
    """Return the epochs of the step schedule: those given, else 1/2 and 3/4 of all."""
    if recipe.milestones:
        return recipe.milestones
    return tuple(sorted({max(1, recipe.epochs // 2), max(1, recipe.epochs * 3 // 4)}))


def _cosine(recipe: Recipe, step: int, steps: int) -> float:
    """Half a cosine from 1 at step 0 to ``min_lr / lr`` at `steps`."""
    low = recipe.min_lr / recipe.lr
    return low + (1.0 - low) * 0.5 * (1.0 + math.cos(math.pi * min(step, steps) / steps))
