"""The stages of progressive shrinking: what each opens, and for how long it trains."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field

from palmette_plugins.api.errors import FieldViolation
from palmette_plugins.engines.elastic.space import Space
from palmette_plugins.engines.recipe import Recipe

_DIMENSIONS = ("depths", "expands", "kernels")


class Stage(BaseModel):
    """One training run; what it leaves out is as in the stage before, and the largest alone in the first."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    depths: tuple[int, ...] = Field((), description="blocks per stage that are drawn from; as before when empty")
    expands: tuple[int, ...] = Field((), description="expand ratios that are drawn from; as before when empty")
    kernels: tuple[int, ...] = Field((), description="kernel sizes that are drawn from; as before when empty")
    epochs: int = Field(120, ge=1, le=10_000, description="passes over the training split, without the warm-up")
    warmup_epochs: int = Field(5, ge=0, le=1000, description="passes before them, in which the learning rate rises")
    lr: float = Field(0.24, gt=0, le=10, description="largest learning rate")
    subnetworks: int = Field(1, ge=1, le=64, description="sub-networks of each step")

    def recipe(self, base: Recipe) -> Recipe:
        """Return the recipe of this stage."""
        total = self.epochs + self.warmup_epochs
        return base.model_copy(update={"epochs": total, "warmup_epochs": float(self.warmup_epochs), "lr": self.lr})


def papers_stages(space: Space) -> tuple[Stage, ...]:
    """Return the official stages, for any space: the largest; all kernels; then depths and expand ratios one by one.

    Epochs, learning rates (for batches of 2048) and sub-networks per step are those of the released code.
    """
    stages = [Stage(epochs=180, warmup_epochs=0, lr=2.6)]
    if len(space.kernels) > 1:
        stages.append(Stage(kernels=space.kernels, lr=0.96))
    for dimension, subnetworks in (("depths", 2), ("expands", 4)):
        values = getattr(space, dimension)
        for opened in range(2, len(values) + 1):
            last = opened == len(values)
            length = {"epochs": 120, "lr": 0.24} if last else {"epochs": 25, "lr": 0.08}
            stages.append(Stage(**{dimension: values[-opened:]}, **length, subnetworks=subnetworks))
    return tuple(stages)


def stage_spaces(space: Space, stages: Sequence[Stage]) -> list[Space]:
    """Return what each stage draws from."""
    spaces = []
    before = space.narrowed(depths=space.depths[-1:], expands=space.expands[-1:], kernels=space.kernels[-1:])
    for stage in stages:
        given = {name: tuple(sorted(set(getattr(stage, name)))) or None for name in _DIMENSIONS}
        before = before.narrowed(**given)
        spaces.append(before)
    return spaces


def stage_violations(space: Space, stages: Sequence[Stage]) -> list[FieldViolation]:
    """Return what is wrong: values that the space lacks, a choice that is dropped again, one that is never opened."""
    found = []
    opened = {name: set(getattr(space, name)[-1:]) for name in _DIMENSIONS}
    if len(stages) > 1 and any(getattr(stages[0], name) not in ((), getattr(space, name)[-1:]) for name in _DIMENSIONS):
        found.append(
            FieldViolation("config.stages.0", "trains the largest network alone: it teaches the stages that follow")
        )
    for index, stage in enumerate(stages):
        for name in _DIMENSIONS:
            field, given = f"config.stages.{index}.{name}", set(getattr(stage, name))
            if not given:
                continue
            strange, dropped = sorted(given - set(getattr(space, name))), sorted(opened[name] - given)
            if strange:
                found.append(FieldViolation(field, f"not in the space: {_listed(strange)}"))
            if dropped:
                found.append(FieldViolation(field, f"drops {_listed(dropped)}, which an earlier stage trained"))
            opened[name] |= given
    for name in _DIMENSIONS:
        missing = sorted(set(getattr(space, name)) - opened[name])
        if missing:
            found.append(FieldViolation("config.stages", f"no stage opens {name} {_listed(missing)}"))
    return found


def _listed(values: Sequence[int]) -> str:
    return ", ".join(map(str, values))
