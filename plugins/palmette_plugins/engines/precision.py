"""Which number format a training run computes in."""

from __future__ import annotations

import torch

from palmette_plugins.api.errors import InvalidArgument
from palmette_plugins.engines.recipe import Precision

_ACCELERATE_NAMES = {Precision.FP32: "no", Precision.BF16: "bf16", Precision.FP16: "fp16"}


def resolve_precision(precision: Precision, device: torch.device) -> Precision:
    """Return what `precision` means on `device`.

    ``auto`` is bf16 on a GPU that multiplies it natively and fp32 elsewhere. On a CPU fp32 is the default even
    where bf16 is faster, so that a run gives the same result on a machine without the instructions, up to
    rounding in the last place.

    Raises:
        InvalidArgument: fp16 without a GPU.
    """
    if precision is Precision.FP16 and device.type != "cuda":
        raise InvalidArgument.field(
            "config.recipe.precision", "fp16 needs a GPU and this job has none; use bf16, fp32 or auto"
        )
    if precision is not Precision.AUTO:
        return precision
    return Precision.BF16 if device.type == "cuda" and torch.cuda.is_bf16_supported(False) else Precision.FP32


def accelerate_name(precision: Precision) -> str:
    """Return accelerate's name of a resolved precision."""
    return _ACCELERATE_NAMES[precision]
