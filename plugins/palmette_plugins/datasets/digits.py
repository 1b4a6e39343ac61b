"""``digits``: 1,797 grey images of handwritten digits, 8x8 (scikit-learn's copy of the UCI test set)."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from palmette_plugins.api.data import DataInfo, Dataset, DatasetSource
from palmette_plugins.api.errors import InvalidArgument
from palmette_plugins.api.reference_parameters import as_text, parse_parameters
from palmette_plugins.api.references import Reference
from palmette_plugins.datasets.fingerprint import fingerprint
from palmette_plugins.datasets.image_preprocessing import Standardisation, channel_statistics
from palmette_plugins.datasets.limits import LimitParameters, limited_sizes
from palmette_plugins.datasets.splitting import balanced_prefix, stratified_split
from palmette_plugins.datasets.tensor_split import TensorSplit
from palmette_plugins.tasks.classification import Classification

_SCALE = 1 / 16  # the brightest pixel is 16
_FRACTIONS = (0.7, 0.1)  # train, validation; the rest is the test split
_SPLITS = ("train", "validation", "test")


class DigitsParameters(LimitParameters):
    """Parameters of ``digits``; the limits take images evenly over the classes."""

    seed: int = Field(0, ge=0, description="which of the many splits")


class Digits(DatasetSource):
    """Handwritten digits, split 70 / 10 / 20 % for each class on its own."""

    summary = "1,797 grey 8x8 handwritten digits, 10 classes (scikit-learn)"

    def describe(self, reference: Reference) -> DataInfo:
        """Return what is known of the digits."""
        reference, parameters = _checked(reference)
        indices = _indices(parameters)
        return _info(reference, {name: len(part) for name, part in indices.items()})

    def load(self, reference: Reference) -> Dataset:
        """Return the digits as tensors."""
        reference, parameters = _checked(reference)
        pixels, classes = _raw()
        indices = _indices(parameters)
        standardisation = _standardisation()
        splits = {
            name: TensorSplit(standardisation.apply(pixels[part]), torch.from_numpy(classes[part]))
            for name, part in indices.items()
        }
        return Dataset(
            info=_info(reference, {name: len(part) for name, part in indices.items()}),
            task=Classification(),
            splits=splits,
            fingerprint=fingerprint({name: (pixels[part], classes[part]) for name, part in indices.items()}),
        )


def _checked(reference: Reference) -> tuple[Reference, DigitsParameters]:
    if reference.target:
        raise InvalidArgument.field("reference", f"digits takes no target; write digits, not '{reference}'")
    parameters = parse_parameters(DigitsParameters, reference)
    return Reference("digits", "", as_text(parameters)), parameters


@cache
def _raw() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return pixels (N, 1, 8, 8) from 0 to 16 and classes (N,)."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    return digits.images.astype(np.uint8)[:, None], digits.target.astype(np.int64)


@cache
def _split(seed: int) -> dict[str, NDArray[np.int64]]:
    classes = _raw()[1]
    parts = stratified_split(classes, range(len(classes)), _FRACTIONS, 10, seed)
    return dict(zip(_SPLITS, parts, strict=True))


def _indices(parameters: DigitsParameters) -> dict[str, NDArray[np.int64]]:
    whole, classes = _split(parameters.seed), _raw()[1]
    sizes = limited_sizes({name: len(part) for name, part in whole.items()}, parameters, 10)
    return {name: part[balanced_prefix(classes[part], sizes[name], 10)] for name, part in whole.items()}


@cache
def _standardisation() -> Standardisation:
    return channel_statistics(_raw()[0], _SCALE)


def _info(reference: Reference, sizes: dict[str, int]) -> DataInfo:
    return DataInfo(
        reference=str(reference),
        task=Classification.name,
        sizes=sizes,
        input_shape=(1, 8, 8),
        num_classes=10,
        labels=tuple(str(digit) for digit in range(10)),
        preprocessing=_standardisation().as_preprocessing(),
    )
