"""From raw pairs to what a two-tower model takes: pixels of one size, tokens."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from palmette_plugins.api.errors import PalmetteError
from palmette_plugins.datasets.word_tokens import HashedWords

Tokenizer = Callable[[Sequence[str]], Tensor]  # captions -> int64 (B, L)
_DAMAGED = (OSError, SyntaxError, ValueError, UnidentifiedImageError, Image.DecompressionBombError)


class UnreadableImageError(PalmetteError):
    """An image that cannot be decoded."""


@dataclass(frozen=True)
class PairPreparation:
    """How a model wants its pairs.

    Attributes:
        channels: 1 for grey, 3 for colour; images of the other kind are converted.
        height: Height that every image is brought to: scaled so that it covers, cut off at both sides.
        width: Likewise.
        mean: Of pixels from 0 to 1, for each channel.
        std: Likewise.
        tokenize: What makes tokens of captions.
    """

    channels: int
    height: int
    width: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    tokenize: Tokenizer

    def pixels(self, image: bytes | NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return (channels, height, width); raise `UnreadableImageError`."""
        native = decoded(image)
        channels, height, width = native.shape
        if (channels, height, width) == (self.channels, self.height, self.width):
            return native
        picture = Image.fromarray(native[0] if channels == 1 else native.transpose(1, 2, 0))
        picture = picture.convert("L" if self.channels == 1 else "RGB")
        if (height, width) != (self.height, self.width):
            picture = ImageOps.fit(picture, (self.width, self.height), Image.Resampling.BICUBIC)
        array = np.asarray(picture, np.uint8)
        return array[None] if self.channels == 1 else np.ascontiguousarray(array.transpose(2, 0, 1))

    def standardised(self, pixels: Tensor) -> Tensor:
        """Return float32 inputs for pixels (B, C, H, W) of unsigned bytes, on their device."""
        mean = torch.tensor(self.mean, device=pixels.device).view(1, -1, 1, 1)
        std = torch.tensor(self.std, device=pixels.device).view(1, -1, 1, 1)
        return (pixels.float() / 255 - mean) / std


def default_preparation(channels: int, size: int, words: HashedWords | None = None) -> PairPreparation:
    """Return the preparation of images of any kind: pixels from -1 to 1, hashed words."""
    half = (0.5,) * channels
    return PairPreparation(channels, size, size, half, half, words or HashedWords())


def decoded(image: bytes | NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return pixels (C, H, W), C being 1 or 3, in the image's own size; transparent places are white.

    Raises:
        UnreadableImageError: It cannot be decoded.
    """
    if isinstance(image, np.ndarray):
        return image
    try:
        with Image.open(io.BytesIO(image)) as opened:
            grey = opened.mode in ("1", "L", "I", "I;16")
            if "A" in opened.mode or "transparency" in opened.info:
                shown = opened.convert("RGBA")
                paper = Image.new("RGBA", shown.size, (255, 255, 255, 255))
                opened_rgb = Image.alpha_composite(paper, shown).convert("RGB")
            else:
                opened_rgb = opened.convert("L" if grey else "RGB")
    except _DAMAGED as error:
        raise UnreadableImageError(f"cannot be decoded: {error}") from None
    array = np.asarray(opened_rgb, np.uint8)
    return array[None] if array.ndim == 2 else np.ascontiguousarray(array.transpose(2, 0, 1))
