"""Image files as inputs: decoded, brought to one size, standardised."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor
from torch.utils.data import Dataset as TorchDataset

from palmette_plugins.api.errors import InvalidArgument
from palmette_plugins.datasets.image_preprocessing import Standardisation


@dataclass(frozen=True)
class ImageReader:
    """How files become inputs.

    Attributes:
        channels: 1 for grey, 3 for colour; files of the other kind are converted.
        height: Height that every image must have, or is brought to.
        width: Likewise.
        resize: Bring images to the size: scale so that they cover it, cut off what is over at both sides.
        standardisation: What follows.
    """

    channels: int
    height: int
    width: int
    resize: bool
    standardisation: Standardisation

    def pixels(self, file: Path) -> NDArray[np.uint8]:
        """Return (C, H, W); raise `InvalidArgument` naming a file that cannot be read or has another size."""
        try:
            with Image.open(file) as image:
                picture = image.convert("L" if self.channels == 1 else "RGB")
        except (OSError, SyntaxError, ValueError, UnidentifiedImageError, Image.DecompressionBombError) as error:
            raise InvalidArgument.field("reference", f"cannot read the image {file}: {error}") from None
        if self.resize:
            picture = ImageOps.fit(picture, (self.width, self.height), Image.Resampling.BILINEAR)
        if picture.size != (self.width, self.height):
            raise InvalidArgument.field(
                "reference",
                f"{file} is {picture.width}x{picture.height}, others are {self.width}x{self.height}; "
                f"add size={min(self.width, self.height)} to bring all images to one size",
            )
        array = np.asarray(picture, np.uint8)
        return array[None] if self.channels == 1 else np.ascontiguousarray(array.transpose(2, 0, 1))

    def inputs(self, file: Path) -> Tensor:
        """Return one input, float32 (C, H, W)."""
        return self.standardisation.apply(self.pixels(file)[None])[0]


class ImageFiles(TorchDataset[Any]):
    """A split whose images are decoded when asked for."""

    def __init__(self, files: Sequence[Path], labels: Sequence[int], reader: ImageReader) -> None:
        self._files = files
        self._labels = labels
        self._reader = reader

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self._reader.inputs(self._files[index]), torch.tensor(self._labels[index])


def read_all(files: Sequence[Path], reader: ImageReader) -> NDArray[np.uint8]:
    """Return the pixels of all files, (N, C, H, W), decoded by several threads."""
    with ThreadPoolExecutor(_threads(), thread_name_prefix="images") as pool:
        return np.stack(list(pool.map(reader.pixels, files)))


def digests(files: Sequence[Path]) -> list[bytes]:
    """Return the SHA-256 of each file's content, read by several threads."""
    with ThreadPoolExecutor(_threads(), thread_name_prefix="digests") as pool:
        return list(pool.map(_digest, files))


def first_image_shape(file: Path) -> tuple[int, int, int]:
    """Return (channels, height, width) of an image from its head."""
    try:
        with Image.open(file) as image:
            return 1 if image.mode in ("1", "L", "I;16", "I") else 3, image.height, image.width
    except (OSError, SyntaxError, ValueError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise InvalidArgument.field("reference", f"cannot read the image {file}: {error}") from None


def _digest(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").digest()
    except OSError as error:
        raise InvalidArgument.field("reference", f"cannot read {file}: {error.strerror}") from None


def _threads() -> int:
    return min(8, len(os.sched_getaffinity(0)))
