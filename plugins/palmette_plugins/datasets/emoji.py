"""``emoji``: colour pictures with a category, from four vendors."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from pydantic import Field

from palmette_plugins.api.data import DataInfo, Dataset, DatasetSource
from palmette_plugins.api.errors import InvalidArgument
from palmette_plugins.api.reference_parameters import as_text, parse_parameters
from palmette_plugins.api.references import Reference
from palmette_plugins.datasets.emoji_files import SIZE, Emoji, Vendor, emoji_files
from palmette_plugins.datasets.fingerprint import fingerprint
from palmette_plugins.datasets.image_preprocessing import Standardisation
from palmette_plugins.datasets.limits import LimitParameters, limited_sizes
from palmette_plugins.datasets.pair_preparation import default_preparation
from palmette_plugins.datasets.splitting import balanced_prefix, stratified_split
from palmette_plugins.datasets.tensor_split import TensorSplit
from palmette_plugins.tasks.classification import Classification

_STANDARDISATION = Standardisation(1 / 255, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
_FRACTIONS = (0.7, 0.1)
_SPLITS = ("train", "validation", "test")


class EmojiParameters(LimitParameters):
    """Parameters of ``emoji``; the limits take pictures evenly over the classes."""

    vendor: Vendor = Field(
        "google", description="whose drawings; another vendor's are the same things in another style"
    )
    classes: Literal["category", "subcategory"] = Field("category", description="9 categories or the finer ones")
    size: int = Field(32, ge=1, le=SIZE, description="pictures are brought to size x size")
    seed: int = Field(0, ge=0, description="which of the many splits")
    path: str | None = Field(None, description="folder of the unpacked npm package, where it is not to be fetched")


class EmojiImages(DatasetSource):
    """Emoji by what they show, split 70 / 10 / 20 % for each class on its own; transparent places are white."""

    summary = "1,900 colour emoji of one vendor in 9 categories: emoji?vendor=apple (npm's emoji-datasource-*)"

    def describe(self, reference: Reference) -> DataInfo:
        """Return what the list of emoji tells."""
        return _Classes(reference).info

    def load(self, reference: Reference) -> Dataset:
        """Return the pictures as tensors."""
        classes = _Classes(reference)
        preparation = default_preparation(3, classes.parameters.size)
        arrays = {
            name: (
                np.stack([preparation.pixels(classes.emoji[index].file.read_bytes()) for index in part]),
                classes.labels[part],
            )
            for name, part in classes.indices.items()
        }
        return Dataset(
            info=classes.info,
            task=Classification(),
            splits={
                name: TensorSplit(_STANDARDISATION.apply(pixels), torch.from_numpy(labels))
                for name, (pixels, labels) in arrays.items()
            },
            fingerprint=fingerprint(arrays),
        )


class _Classes:
    """One reference, resolved."""

    def __init__(self, reference: Reference) -> None:
        if reference.target:
            raise InvalidArgument.field(
                "reference", f"emoji takes no target; write emoji?vendor=google, not '{reference}'"
            )
        self.parameters = parse_parameters(EmojiParameters, reference)
        self.emoji = emoji_files(self.parameters.vendor, self.parameters.path)
        names = sorted({self._class(each) for each in self.emoji})
        self.labels = np.array([names.index(self._class(each)) for each in self.emoji], np.int64)
        keys = [each.file.name for each in self.emoji]
        parts = stratified_split(self.labels, keys, _FRACTIONS, len(names), self.parameters.seed)
        whole = dict(zip(_SPLITS, parts, strict=True))
        sizes = limited_sizes({name: len(part) for name, part in whole.items()}, self.parameters, len(names))
        self.indices = {
            name: part[balanced_prefix(self.labels[part], sizes[name], len(names))] for name, part in whole.items()
        }
        self.info = DataInfo(
            reference=str(Reference("emoji", "", as_text(self.parameters))),
            task=Classification.name,
            sizes={name: len(part) for name, part in self.indices.items()},
            input_shape=(3, self.parameters.size, self.parameters.size),
            num_classes=len(names),
            labels=tuple(names),
            preprocessing=_STANDARDISATION.as_preprocessing(),
        )

    def _class(self, emoji: Emoji) -> str:
        return emoji.category if self.parameters.classes == "category" else emoji.subcategory
