"""The training recipe: every setting of one training run, as a field of a method's configuration."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

ADAMW_LR = 0.001


class OptimizerKind(StrEnum):
    """Which optimizer."""

    SGD = "sgd"
    ADAMW = "adamw"


class ScheduleKind(StrEnum):
    """How the learning rate changes after the warm-up."""

    COSINE = "cosine"
    STEP = "step"
    CONSTANT = "constant"


class Precision(StrEnum):
    """Number format of the forward and backward pass; weights are float32 in any case."""

    AUTO = "auto"
    FP32 = "fp32"
    BF16 = "bf16"
    FP16 = "fp16"


class Recipe(BaseModel):
    """How to train. The defaults suit small image networks (SGD with momentum, cosine)."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, allow_inf_nan=False)

    epochs: int = Field(20, ge=1, le=10_000, description="passes over the training split")
    batch_size: int = Field(128, ge=1, le=65_536, description="examples per step, over all processes together")
    optimizer: OptimizerKind = Field(OptimizerKind.SGD, description="optimizer")
    lr: float = Field(
        0.1, gt=0, le=10, description=f"largest learning rate; {ADAMW_LR} when left out with optimizer adamw"
    )
    momentum: float = Field(0.9, ge=0, lt=1, description="momentum of SGD; beta1 of AdamW")
    nesterov: bool = Field(False, description="Nesterov momentum (SGD)")
    weight_decay: float = Field(5e-4, ge=0, le=1, description="weight decay; decoupled with AdamW")
    decay_norm_and_bias: bool = Field(
        True, description="decay biases and normalisation parameters too (everything with one dimension or none)"
    )
    schedule: ScheduleKind = Field(ScheduleKind.COSINE, description="how the learning rate falls after the warm-up")
    warmup_epochs: float = Field(0.0, ge=0, description="epochs over which the learning rate rises linearly from 0")
    milestones: tuple[int, ...] = Field(
        (), description="step schedule: epochs after which lr is multiplied by gamma; 1/2 and 3/4 of all when empty"
    )
    gamma: float = Field(0.1, gt=0, le=1, description="step schedule: factor at each milestone")
    min_lr: float = Field(0.0, ge=0, description="cosine schedule: learning rate at the end")
    label_smoothing: float = Field(0.0, ge=0, lt=1, description="share of the target spread over all classes")
    grad_clip: float = Field(0.0, ge=0, description="largest norm of the gradient; 0 for no clipping")
    precision: Precision = Field(
        Precision.AUTO, description="auto is bf16 where the hardware multiplies it and fp32 elsewhere; fp16 needs a GPU"
    )
    compile: bool = Field(False, description="compile the model with torch.compile; pays off in long runs")
    max_steps: int = Field(0, ge=0, description="stop after so many optimizer steps; 0 for no limit")
    checkpoint_every_epochs: int = Field(1, ge=1, description="epochs between checkpoints")
    evaluate_every_epochs: int = Field(1, ge=1, description="epochs between measurements on the validation split")

    @model_validator(mode="before")
    @classmethod
    def _lr_of_the_optimizer(cls, values: Any) -> Any:
        """Fill in a learning rate that fits AdamW: a tenth would diverge."""
        if isinstance(values, dict) and values.get("optimizer") == OptimizerKind.ADAMW and "lr" not in values:
            return {**values, "lr": ADAMW_LR}
        return values

    @model_validator(mode="after")
    def _fields_fit_together(self) -> Self:
        if self.nesterov and self.momentum == 0:
            raise ValueError("nesterov needs momentum above 0")
        if self.warmup_epochs >= self.epochs:
            raise ValueError(f"warmup_epochs must be below epochs ({self.epochs})")
        if self.min_lr > self.lr:
            raise ValueError(f"min_lr must not exceed lr ({self.lr:g})")
        if list(self.milestones) != sorted(set(self.milestones)) or any(epoch < 1 for epoch in self.milestones):
            raise ValueError("milestones must be epochs from 1 in rising order")
        return self
