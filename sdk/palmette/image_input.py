"""An image file as the input of a served model, by what its artifact says of preprocessing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from palmette.errors import FailedPrecondition, InvalidRequest
from palmette.tensors import Array

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp"})


def read_image(file: Path, spec: Mapping[str, Any]) -> Array:
    """Return an image as float32 (channels, height, width), prepared as the model's training data was.

    Args:
        file: The image.
        spec: The model spec of the artifact that is served.

    Raises:
        FailedPrecondition: Pillow is not installed.
        InvalidRequest: The model does not take images, or the file is none.
    """
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError:
        raise FailedPrecondition("reading images needs Pillow: pip install 'palmette[images]'") from None
    (channels, height, width), mean, std = _expected(spec)
    try:
        with Image.open(file) as opened:
            image = opened.convert("L" if channels == 1 else "RGB").resize((width, height), Image.Resampling.BILINEAR)
    except (UnidentifiedImageError, OSError) as error:
        raise InvalidRequest.field("file", f"{file} is no image: {error}") from None
    pixels = np.asarray(image, dtype=np.float32).reshape(height, width, channels).transpose(2, 0, 1)
    # The brightest pixel is 1 whatever the data set's own scale was.
    prepared: Array = ((pixels / 255 - mean) / std).astype(np.float32)
    return prepared


def _expected(spec: Mapping[str, Any]) -> tuple[tuple[int, int, int], Array, Array]:
    inputs = (spec.get("io") or {}).get("inputs") or []
    shape = tuple(int(size) for size in inputs[0]["shape"]) if len(inputs) == 1 else ()
    preprocessing = inputs[0].get("preprocessing", {}) if inputs else {}
    if len(shape) != 3 or "mean" not in preprocessing:
        raise InvalidRequest.field("file", "this model does not take images; give .npy, .npz or .json")
    channels = shape[0]
    mean = np.asarray(preprocessing["mean"], dtype=np.float32).reshape(channels, 1, 1)
    std = np.asarray(preprocessing["std"], dtype=np.float32).reshape(channels, 1, 1)
    return (shape[0], shape[1], shape[2]), mean, std
