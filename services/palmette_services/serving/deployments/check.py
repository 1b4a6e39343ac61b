"""The proof that a loaded model is the one that was trained: its answers for held-out inputs."""

from __future__ import annotations

import numpy

from palmette_plugins.api.errors import FailedPrecondition
from palmette_services.serving.deployments.servable import Servable
from palmette_services.serving.triton.control import TritonControl


async def check_answers(
    control: TritonControl, model: str, servable: Servable, *, largest_batch: int, atol: float, rtol: float
) -> float:
    """Send the held-out inputs to a loaded model; return the largest absolute difference from PyTorch.

    Raises:
        FailedPrecondition: A value differs by more than ``atol + rtol |PyTorch|``; names the largest difference.
        Unavailable: Triton does not answer.
    """
    count = len(next(iter(servable.inputs.values())))
    largest = 0.0
    for start in range(0, count, largest_batch):
        rows = slice(start, start + largest_batch)
        batch = {name: array[rows] for name, array in servable.inputs.items()}
        answers = await control.infer(model, batch, list(servable.outputs))
        for name, expected in servable.outputs.items():
            largest = max(largest, _difference(name, answers[name], expected[rows], atol, rtol))
    return largest


def _difference(name: str, got: numpy.ndarray, expected: numpy.ndarray, atol: float, rtol: float) -> float:
    if got.shape != expected.shape:
        raise FailedPrecondition(f"Triton gives '{name}' of shape {got.shape}, PyTorch of {expected.shape}")
    difference = numpy.abs(got.astype(numpy.float64) - expected.astype(numpy.float64))
    allowed = atol + rtol * numpy.abs(expected.astype(numpy.float64))
    worst = float(difference.max(initial=0.0))
    if not bool((difference <= allowed).all()):  # NaN is never within
        raise FailedPrecondition(
            f"the served model differs from PyTorch: output '{name}' by up to {worst:.3g}, more than "
            f"atol {atol:g} + rtol {rtol:g} x |PyTorch| allows"
        )
    return worst
