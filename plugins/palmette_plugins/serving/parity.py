"""How close a runtime's outputs are to PyTorch's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from palmette_plugins.api.errors import FailedPrecondition

RunBatch = Callable[[Mapping[str, Tensor]], Mapping[str, Tensor]]
"""From input tensors by name, the batch first, to output tensors by name."""


@dataclass(frozen=True)
class Tolerance:
    """|difference| <= atol + rtol |PyTorch|."""

    atol: float
    rtol: float


@dataclass(frozen=True)
class Parity:
    """The result of a comparison that passed; `max_abs_difference` is over every output value."""

    samples: int
    max_abs_difference: float


def compare_outputs(
    what: str, got: Mapping[str, Tensor], expected: Mapping[str, Tensor], tolerance: Tolerance
) -> float:
    """Return the largest absolute difference.

    Args:
        what: What is compared, for the message, such as ``ONNX Runtime (batch size 16)``.
        got: Outputs by name.
        expected: PyTorch's outputs by name.
        tolerance: What is allowed.

    Raises:
        FailedPrecondition: A shape differs or a value is out of tolerance; names the largest difference.
    """
    largest = 0.0
    for name, reference in expected.items():
        if got[name].shape != reference.shape:
            raise FailedPrecondition(
                f"{what} gives '{name}' of shape {tuple(got[name].shape)}, PyTorch of {tuple(reference.shape)}"
            )
        reference = reference.double()
        difference = (got[name].double() - reference).abs()
        within = difference <= tolerance.atol + tolerance.rtol * reference.abs()
        worst = float(difference.max()) if bool(difference.isfinite().all()) else float("nan")
        if not bool(within.all()):  # NaN is never within
            raise FailedPrecondition(
                f"{what} differs from PyTorch: output '{name}' by up to {worst:.3g} "
                f"({int((~within).sum())} of {within.numel()} values exceed atol {tolerance.atol:g} + "
                f"rtol {tolerance.rtol:g} x |PyTorch|); raise the tolerances or choose another runtime"
            )
        largest = max(largest, worst)
    return largest


def compare_runtime(
    what: str,
    run: RunBatch,
    inputs: Mapping[str, Tensor],
    expected: Mapping[str, Tensor],
    tolerance: Tolerance,
    batch_sizes: Sequence[int],
) -> Parity:
    """Compare a runtime with PyTorch's outputs for held-out inputs, cut into batches of each of several sizes.

    The same outputs are expected in batches of any size: the inference server batches as requests come. Too few
    samples for a size are repeated.

    Raises:
        FailedPrecondition: A shape differs or a value is out of tolerance; names the largest difference.
    """
    count = len(next(iter(inputs.values())))
    largest = 0.0
    for size in batch_sizes:
        starts = range(0, count, size)
        rows = [torch.arange(start, start + size) % count for start in starts]
        results = [run({name: tensor[index] for name, tensor in inputs.items()}) for index in rows]
        got = {name: torch.cat([result[name] for result in results]) for name in expected}
        wanted = {name: tensor[torch.cat(rows)] for name, tensor in expected.items()}
        largest = max(largest, compare_outputs(f"{what} (batch size {size})", got, wanted, tolerance))
    return Parity(count, largest)
