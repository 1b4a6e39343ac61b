"""Sub-networks of a supernet: what they are and what they cost."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Subnetwork:
    """A sub-network.

    Attributes:
        depths: Blocks of each stage.
        expands: Expand ratio of each block, in order.
        kernels: Kernel size of each block, in order.
        resolution: Side of its images in pixels.
    """

    depths: tuple[int, ...]
    expands: tuple[int, ...]
    kernels: tuple[int, ...]
    resolution: int


@dataclass(frozen=True)
class Specialisation:
    """A sub-network that was cut out of a supernet and saved.

    Attributes:
        artifact: Name of the artifact: a plain network that needs no supernet any more.
        choice: What it is.
        parameters: Its stored parameters.
        macs: Its multiply-adds for one image.
        latency_ms: Its measured time for one image on the service's CPU.
        predicted_accuracy: What the supernet's predictor expected, in [0, 1].
        accuracy: What was measured on the validation split, in [0, 1].
        seconds: How long the whole answer took.
    """

    artifact: str
    choice: Subnetwork
    parameters: int
    macs: int
    latency_ms: float
    predicted_accuracy: float
    accuracy: float
    seconds: float


@dataclass(frozen=True)
class ArchitectureEstimate:
    """What a sub-network costs.

    Attributes:
        choice: The sub-network, complete.
        model: Reference of the plain network with new weights.
        parameters: Its stored parameters.
        macs: Its multiply-adds for one image.
        latency_ms: Median time for one image on the service's CPU; None where it was not measured.
        predicted_accuracy: In [0, 1]; None where no trained supernet can tell.
    """

    choice: Subnetwork
    model: str
    parameters: int
    macs: int
    latency_ms: float | None
    predicted_accuracy: float | None
