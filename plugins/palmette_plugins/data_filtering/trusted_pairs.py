"""What a filter is trained on: clean pairs, and labelled images whose caption is drawn anew at every visit."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from palmette_plugins.api import Dataset, InvalidArgument
from palmette_plugins.datasets.batches import ordered_batches
from palmette_plugins.datasets.captioned_images import raw_pixels
from palmette_plugins.datasets.pair_dataset import PairDataset
from palmette_plugins.datasets.pair_pool import RawPair, position_uid
from palmette_plugins.datasets.pair_preparation import PairPreparation, UnreadableImageError, decoded
from palmette_plugins.datasets.prepared_pairs import PreparedPairs

_BATCH = 1024


@dataclass(frozen=True)
class Trusted:
    """A trusted dataset: pairs, or labelled images with the captions that their classes may have.

    Attributes:
        data: The dataset; of a labelled one the split ``train`` counts.
        templates: Captions with {} where the class goes.
        field: What errors name.
    """

    data: Dataset
    templates: Sequence[str]
    field: str

    @property
    def labelled(self) -> bool:
        """Whether it holds labelled images instead of pairs."""
        return not isinstance(self.data, PairDataset)

    def pairs(self) -> Iterator[RawPair]:
        """Yield pairs; those of labelled images have the first template's caption."""
        if isinstance(self.data, PairDataset):
            yield from self.data.pool.pairs()
            return
        for position, (image, label) in enumerate(labelled_images(self.data, "train")):
            caption = self.templates[0].format(self.data.info.labels[label])
            yield RawPair(position_uid(self.data.info.reference, position), image, caption, clean=True)

    def classes(self) -> Iterator[int]:
        """Yield the class of each of `pairs`, -1 where there is none."""
        if isinstance(self.data, PairDataset):
            yield from (-1 for _ in range(self.data.pool.size))
            return
        for _, label in labelled_images(self.data, "train"):
            yield label


@dataclass(frozen=True)
class TrustedPairs:
    """Trusted datasets ready for training.

    Attributes:
        prepared: All pairs.
        classes: int64 (N,): row of `captions` for each pair, -1 for its own caption; None where none is labelled.
        captions: int64 (classes, templates, L): what an image of a class may be called.
    """

    prepared: PreparedPairs
    classes: Tensor | None
    captions: Tensor | None


def prepare_trusted(
    sets: Sequence[Trusted], preparation: PairPreparation, check: Callable[[], None] | None = None
) -> TrustedPairs:
    """Return datasets prepared for one model, as one."""
    prepared = PreparedPairs((pair for each in sets for pair in each.pairs()), preparation, check)
    if not any(each.labelled for each in sets):
        return TrustedPairs(prepared, None, None)
    most = max(len(each.templates) for each in sets if each.labelled)
    captions: list[Tensor] = []
    classes: list[int] = []
    for each in sets:
        offset = len(captions)
        classes += [label + offset if label >= 0 else -1 for label in each.classes()]
        if each.labelled:
            # Fewer templates than another set has come round again.
            texts = [each.templates[index % len(each.templates)] for index in range(most)]
            labels = each.data.info.labels
            captions += [preparation.tokenize([text.format(label) for text in texts]) for label in labels]
    return TrustedPairs(prepared, torch.tensor(classes)[prepared.positions], torch.stack(captions))


def refuse_overlap(sets: Sequence[Trusted], evaluation: Dataset, split: str) -> None:
    """Raise `InvalidArgument` if an image of a trusted set is also one that models are measured on.

    Images are compared by their pixels: the same file under another name counts.
    """
    measured = {_digest(image) for image, _ in labelled_images(evaluation, split)}
    for each in sets:
        shared = sum(_readable_digest(pair) in measured for pair in each.pairs())
        if shared:
            text = (
                f"{shared} of its images are also among those of '{evaluation.info.reference}' that models are "
                "measured on; a filter that has seen them would be measured on what it knows"
            )
            raise InvalidArgument.field(each.field, text)


def labelled_images(data: Dataset, split: str) -> Iterator[tuple[NDArray[np.uint8], int]]:
    """Yield pixels (C, H, W) and class of every image of a split."""
    for images, labels in ordered_batches(data[split], _BATCH):
        yield from zip(raw_pixels(images, data.info.preprocessing), labels.tolist(), strict=True)


def _digest(pixels: NDArray[np.uint8]) -> bytes:
    return hashlib.sha256(str(pixels.shape).encode() + pixels.tobytes()).digest()


def _readable_digest(pair: RawPair) -> bytes | None:
    try:
        return _digest(decoded(pair.image))
    except UnreadableImageError:
        return None
