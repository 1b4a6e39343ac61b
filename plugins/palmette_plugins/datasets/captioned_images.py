"""``captioned:<labelled images>``: any labelled image set as image-text pairs, captions made by templates."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, field_validator

from palmette_plugins.api.data import DataInfo, Dataset, DatasetSource
from palmette_plugins.api.errors import InvalidArgument
from palmette_plugins.api.reference_parameters import as_text, parse_parameters
from palmette_plugins.api.references import Reference
from palmette_plugins.api.resolve import dataset_source
from palmette_plugins.datasets.batches import gather
from palmette_plugins.datasets.pair_dataset import PairParameters, pair_dataset, pair_info
from palmette_plugins.datasets.pair_pool import IndexedPool, RawPair, position_uid
from palmette_plugins.datasets.splitting import stable_order
from palmette_plugins.datasets.spoiled_captions import SpoiledPool

TEMPLATES = (
    "a photo of a {}",
    "a picture of one {}",
    "an image that shows a {}",
    "this is a {}",
    "a grey {} in the middle",
)
_OF = "of_"  # what follows is a parameter of the labelled images


class CaptionedParameters(PairParameters):
    """Parameters of ``captioned``; those that start with ``of_`` are handed on to the labelled images."""

    split: Literal["train", "validation", "test"] = Field("train", description="split of the labelled images")
    skip: int = Field(0, ge=0, description="leave out the first so many pairs, so that two sets do not overlap")
    limit: int | None = Field(None, ge=1, description="pairs")
    spoiled: float = Field(0.0, ge=0, le=1, description="share of wrong captions, in hundredths")
    seed: int = Field(0, ge=0, description="which captions are spoiled, and how")
    templates: tuple[str, ...] = Field(TEMPLATES, min_length=1, description="captions with {}, divided by |")

    @field_validator("templates", mode="before")
    @classmethod
    def _parts(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split("|") if part.strip()) if isinstance(value, str) else value

    @field_validator("templates")
    @classmethod
    def _name_the_class(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(template.count("{}") != 1 for template in value):
            raise ValueError("each template needs one {}, where the class goes")
        return value


class CaptionedImages(DatasetSource):
    """Labelled images with captions; each image keeps the one of the templates that its place in the set decides."""

    summary = "labelled images with captions made of their classes: captioned:fashion-mnist?limit=6000&spoiled=0.7"

    def describe(self, reference: Reference) -> DataInfo:
        """Return what the labelled images' description tells."""
        return _Captioned(reference).info

    def load(self, reference: Reference) -> Dataset:
        """Return the pairs."""
        captioned = _Captioned(reference)
        return pair_dataset(captioned.info, captioned.pool())


class _Captioned:
    """One reference, resolved."""

    def __init__(self, reference: Reference) -> None:
        if not reference.target:
            raise InvalidArgument.field("reference", "captioned needs labelled images: write captioned:fashion-mnist")
        own = {name: value for name, value in reference.parameters.items() if not name.startswith(_OF)}
        handed = {name[len(_OF) :]: v for name, v in reference.parameters.items() if name.startswith(_OF)}
        self.parameters = parse_parameters(CaptionedParameters, Reference("captioned", reference.target, own))
        self.labelled = Reference.parse(reference.target).with_parameters(**handed)
        of = dataset_source(self.labelled).describe(self.labelled)
        if not of.labels or len(of.input_shape) != 3:
            raise InvalidArgument.field("reference", f"'{self.labelled}' is not a set of labelled images")
        available = max(0, of.sizes[self.parameters.split] - self.parameters.skip)
        count = self.parameters.limit or available
        if not 0 < count <= available:
            raise InvalidArgument.field(
                "reference",
                f"limit={count} after skip={self.parameters.skip} is not to be had: the split "
                f"'{self.parameters.split}' of '{self.labelled}' has {of.sizes[self.parameters.split]} images",
            )
        self.count = count
        kept = {name: value for name, value in as_text(self.parameters).items() if name in own}
        written = Reference("captioned", reference.target, {**kept, **{_OF + n: v for n, v in handed.items()}})
        self.info = pair_info(str(written), count, of.input_shape[0], of.input_shape[1])

    def pool(self) -> IndexedPool:
        pixels, labels, names = _labelled(str(self.labelled), self.parameters.split)
        pool: IndexedPool = CaptionedPool(
            f"{self.labelled}/{self.parameters.split}",
            pixels,
            labels,
            names,
            _order(len(labels))[self.parameters.skip : self.parameters.skip + self.count],
            self.parameters.templates,
        )
        if self.parameters.spoiled:
            pool = SpoiledPool(pool, self.parameters.spoiled, self.parameters.seed)
        return pool


class CaptionedPool(IndexedPool):
    """Images (N, C, H, W) of unsigned bytes with labels, in the order of `positions`."""

    def __init__(
        self,
        source: str,
        pixels: NDArray[np.uint8],
        labels: NDArray[np.int64],
        names: tuple[str, ...],
        positions: NDArray[np.int64],
        templates: tuple[str, ...],
    ) -> None:
        self._source, self._pixels, self._labels = source, pixels, labels
        self._names, self._positions, self._templates = names, positions, templates

    @property
    def size(self) -> int:
        """Pairs."""
        return len(self._positions)

    def pair(self, index: int) -> RawPair:
        """Return the pair at a position of this pool; its uid is that of the image in the whole set."""
        position = int(self._positions[index])
        return RawPair(position_uid(self._source, position), self._pixels[position], self.caption(index), clean=True)

    def caption(self, index: int) -> str:
        """Return the caption with the image's own class."""
        return self._written(index, int(self._labels[self._positions[index]]))

    def wrong_caption(self, index: int, draw: int) -> str:
        """Return the caption with another class."""
        classes = len(self._names)
        if classes < 2:
            raise ValueError("a single class has no wrong captions")
        own = int(self._labels[self._positions[index]])
        return self._written(index, (own + 1 + draw % (classes - 1)) % classes)

    def fingerprint(self) -> str:
        """Return a digest of pixels and captions."""
        digest = hashlib.sha256()
        for index in range(self.size):
            digest.update(self._pixels[self._positions[index]].tobytes())
            digest.update(self.caption(index).encode())
        return digest.hexdigest()

    def _written(self, index: int, label: int) -> str:
        template = self._templates[int(self._positions[index]) % len(self._templates)]
        return template.format(self._names[label].lower())


def raw_pixels(inputs: torch.Tensor, preprocessing: Mapping[str, Any]) -> NDArray[np.uint8]:
    """Return the pixels from 0 to 255 behind standardised inputs (N, C, H, W): the way back of `Standardisation`.

    Sets whose brightest pixel is not 255 are stretched.
    """
    mean = torch.tensor(preprocessing["mean"]).view(1, -1, 1, 1)
    std = torch.tensor(preprocessing["std"]).view(1, -1, 1, 1)
    return ((inputs * std + mean) * 255).round().clamp(0, 255).to(torch.uint8).numpy()


@lru_cache(maxsize=4)
def _labelled(reference: str, split: str) -> tuple[NDArray[np.uint8], NDArray[np.int64], tuple[str, ...]]:
    parsed = Reference.parse(reference)
    data = dataset_source(parsed).load(parsed)
    count = len(data[split])  # type: ignore[arg-type]
    pixels, labels = [], []
    for start in range(0, count, 4096):
        images, classes = gather(data[split], torch.arange(start, min(start + 4096, count)))
        pixels.append(raw_pixels(images, data.info.preprocessing))
        labels.append(classes.numpy())
    return np.concatenate(pixels), np.concatenate(labels), data.info.labels


@lru_cache(maxsize=4)
def _order(count: int) -> NDArray[np.int64]:
    """Return a fixed mixed order: many sets lie class by class."""
    return stable_order(range(count))
