"""Batch norm of a sub-network, from images: the statistics that training left are those of many networks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor, nn

from palmette_plugins.api.data import Dataset
from palmette_plugins.datasets.batches import gather, to_device
from palmette_plugins.engines.seeding import seeded_generator

IMAGES = 2000
BATCH = 200


@torch.no_grad()
def recalibrate(module: nn.Module, batches: Iterable[Tensor], check: Callable[[], None] | None = None) -> None:
    """Set mean and variance of every batch norm of a plain network to the average over `batches`, in place.

    Every batch weighs the same, as in the authors' code. Nothing else changes; the network keeps its mode.
    """
    norms = [part for part in module.modules() if isinstance(part, nn.modules.batchnorm._BatchNorm)]
    flags = {part: part.training for part in module.modules()}
    momenta = {norm: norm.momentum for norm in norms}
    module.eval()
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # torch's word for the plain average of all batches
        norm.train()
    try:
        for batch in batches:
            if check is not None:
                check()
            module(batch)
    finally:
        for norm in norms:
            norm.momentum = momenta[norm]
        for part, training in flags.items():
            part.training = training


class CalibrationImages:
    """Training images drawn once, on a device: every sub-network sees the same ones."""

    def __init__(
        self, data: Dataset, seed: int, device: torch.device | str = "cpu", images: int = IMAGES, batch: int = BATCH
    ) -> None:
        available = len(data["train"])  # type: ignore[arg-type]
        generator = seeded_generator(seed, "calibration images")
        drawn = torch.randperm(available, generator=generator)[: min(images, available)]
        (self._images,) = data.task.inputs(to_device(gather(data["train"], drawn), device))
        self._batch = batch

    def __iter__(self) -> Iterator[Tensor]:
        """Yield whole batches; fewer images than one batch are one."""
        count = max(1, len(self._images) // self._batch)
        for index in range(count):
            yield self._images[index * self._batch : (index + 1) * self._batch]
