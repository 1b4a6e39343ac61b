"""Which number format a training run computes in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from palmette_plugins.api.errors import InvalidArgument
from palmette_plugins.engines.recipe import Precision

_ACCELERATE_NAMES = {Precision.FP32: "no", Precision.BF16: "bf16", Precision.FP16: "fp16"}


def resolve_precision(precision: Precision, device: torch.device) -> Precision:
    """Return what `precision` means on `device`.

    ``auto`` is bf16 where the hardware multiplies it natively (GPUs since Ampere, CPUs with AVX512-BF16 or AMX) and
    fp32 elsewhere. Weights, batch statistics, losses and final measurements stay float32. A run repeats to the last
    bit on the same kind of machine in either format; across kinds neither does, so use fp32 to compare those closely.

    Raises:
        InvalidArgument: fp16 without a GPU.
    """
    if precision is Precision.FP16 and device.type != "cuda":
        raise InvalidArgument.field(
            "config.recipe.precision", "fp16 needs a GPU and this job has none; use bf16, fp32 or auto"
        )
    if precision is not Precision.AUTO:
        return precision
    return Precision.BF16 if _multiplies_bf16(device) else Precision.FP32


def _multiplies_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capabilities: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()  # older torch does not say
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def accelerate_name(precision: Precision) -> str:
    """Return accelerate's name of a resolved precision."""
    return _ACCELERATE_NAMES[precision]
