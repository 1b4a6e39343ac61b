"""What a sub-network is worth: cut out, recalibrated, run on held-out examples."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from palmette_plugins.api.architecture import LoadedModel
from palmette_plugins.api.data import Dataset
from palmette_plugins.engines.elastic.costs import macs_table, parameter_table
from palmette_plugins.engines.elastic.extraction import extract, supernet_of
from palmette_plugins.engines.elastic.recalibration import recalibrate
from palmette_plugins.engines.elastic.space import Choice
from palmette_plugins.engines.evaluation import evaluate


@dataclass(frozen=True)
class Measured:
    """A sub-network and its measurements.

    Attributes:
        choice: Which one.
        model: The plain network, recalibrated.
        metrics: The task's measurements on the held-out split, ``accuracy`` in [0, 1] among them.
        parameters: Stored parameters, exactly those of the plain network.
        macs: Multiply-adds for one image.
    """

    choice: Choice
    model: LoadedModel
    metrics: dict[str, float]
    parameters: int
    macs: int


def measure(
    model: LoadedModel,
    choice: Choice,
    data: Dataset,
    images: Iterable[Tensor],
    *,
    split: str = "validation",
    device: torch.device | str = "cpu",
    check: Callable[[], None] | None = None,
) -> Measured:
    """Cut a sub-network out of a loaded supernet, recalibrate it on `images` and measure it on a split.

    Args:
        model: The supernet.
        choice: A sub-network of its space.
        data: What to measure on.
        images: Batches of training images on `device`, see `CalibrationImages`.
        split: Held-out split; never the test split when the measurement decides something.
        device: Where to compute.
        check: Called before every batch; what it raises (a cancelled job) comes out.
    """
    supernet = supernet_of(model)
    plain = extract(model, choice)
    plain.module.to(device)
    recalibrate(plain.module, images, check)
    metrics = evaluate(plain.module, data, split, device=device, check=check)
    sizes = (supernet.space, supernet.in_channels, supernet.num_classes)
    return Measured(
        choice,
        plain,
        metrics,
        parameters=int(parameter_table(*sizes).of_choice(choice)),
        macs=int(macs_table(*sizes).of_choice(choice)),
    )
