"""Zero-shot classification: each class is the mean of the vectors of its captions (Radford et al., 2021, 3.1.4)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from palmette_plugins.api.data import Dataset
from palmette_plugins.datasets.batches import ordered_batches
from palmette_plugins.datasets.captioned_images import raw_pixels
from palmette_plugins.datasets.pair_preparation import PairPreparation
from palmette_plugins.engines.contrastive.pair_model import PairModel
from palmette_plugins.engines.contrastive.towers import Towers

_BATCH = 256


def class_vectors(
    towers: Towers, preparation: PairPreparation, labels: Sequence[str], templates: Sequence[str], device: torch.device
) -> Tensor:
    """Return unit vectors (classes, D): the normalised mean of the unit vectors of a class's captions."""
    vectors = []
    for label in labels:
        captions = [template.format(label) for template in templates]
        of_texts = towers.text_vectors(preparation.tokenize(captions).to(device)).float()
        vectors.append(F.normalize(of_texts.mean(dim=0), dim=0))
    return torch.stack(vectors)


@torch.inference_mode()
def zero_shot_accuracy(
    model: PairModel,
    data: Dataset,
    split: str,
    templates: Sequence[str],
    device: torch.device,
    check: Callable[[], None] | None = None,
) -> float:
    """Return the share of labelled images whose class has the nearest vector. The model ends in evaluation mode."""
    towers = model.module
    assert isinstance(towers, Towers)
    towers.to(device).eval()
    classes = class_vectors(towers, model.preparation, data.info.labels, templates, device)
    correct = total = 0
    for images, labels in ordered_batches(data[split], _BATCH):
        if check is not None:
            check()
        raw = raw_pixels(images, data.info.preprocessing)
        pixels = torch.from_numpy(np.stack([model.preparation.pixels(image) for image in raw])).to(device)
        vectors = towers.image_vectors(model.preparation.standardised(pixels)).float()
        correct += int(((vectors @ classes.T).argmax(dim=1).cpu() == labels).sum())
        total += len(labels)
    return correct / total
