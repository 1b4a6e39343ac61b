"""``fashion-mnist``: 70,000 grey 28x28 photos of clothes and shoes (Xiao et al., 2017)."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import torch
from pydantic import Field, field_validator

from palmette_plugins.api.data import DataInfo, Dataset, DatasetSource
from palmette_plugins.api.errors import InvalidArgument
from palmette_plugins.api.reference_parameters import ReferenceParameters, as_text, parse_parameters
from palmette_plugins.api.references import Reference
from palmette_plugins.datasets.augmentation import image_augmentation
from palmette_plugins.datasets.fashion_mnist_files import fashion_mnist_files
from palmette_plugins.datasets.fingerprint import fingerprint
from palmette_plugins.datasets.idx_files import idx_shape, read_idx
from palmette_plugins.datasets.image_preprocessing import Standardisation
from palmette_plugins.datasets.limits import validation_size
from palmette_plugins.datasets.splitting import balanced_prefix
from palmette_plugins.datasets.tensor_split import TensorSplit
from palmette_plugins.tasks.classification import Classification

# Mean and standard deviation of the 60,000 training images (a test computes them anew).
_STANDARDISATION = Standardisation(1 / 255, (0.2860,), (0.3530,))
_LABELS = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
_TRAIN = 55_000
_VALIDATION = 5_000
_TEST = 10_000


class FashionMnistParameters(ReferenceParameters):
    """Parameters of ``fashion-mnist``; the limits take images evenly over the classes (see `datasets.limits`)."""

    limit: int = Field(_TRAIN, ge=10, le=_TRAIN, description="training images; validation keeps a tenth as many")
    test_limit: int = Field(_TEST, ge=10, le=_TEST, description="test images")
    augment: tuple[Literal["crop", "flip"], ...] = Field((), description="changes of training images: crop,flip")

    @field_validator("augment", mode="before")
    @classmethod
    def _split_names(cls, value: object) -> object:
        return tuple(name for name in value.split(",") if name) if isinstance(value, str) else value

    @property
    def validation(self) -> int:
        """Validation images: of 5,000, as many as go with the training images."""
        return validation_size(self.limit, _VALIDATION, len(_LABELS))


class FashionMnist(DatasetSource):
    """Zalando's photos. The last 5,000 of the 60,000 (500 of each class) are kept for validation."""

    summary = "70,000 grey 28x28 photos of clothes, 10 classes (Debian's dataset-fashion-mnist)"

    def describe(self, reference: Reference) -> DataInfo:
        """Return what is known, reading no more than the files' heads."""
        reference, parameters = _checked(reference)
        idx_shape(fashion_mnist_files()["train-images"])
        return _info(reference, parameters)

    def load(self, reference: Reference) -> Dataset:
        """Return the images as tensors (about 4 kB each)."""
        reference, parameters = _checked(reference)
        files = fashion_mnist_files()
        train_images, train_classes = _pair(files, "train")
        test_images, test_classes = _pair(files, "test")
        pool = balanced_prefix(train_classes, _TRAIN, len(_LABELS))
        held = sorted(set(range(len(train_classes))) - set(pool.tolist()))
        train = pool[balanced_prefix(train_classes[pool], parameters.limit, len(_LABELS))]
        held_classes = train_classes[held]
        validation = [held[i] for i in balanced_prefix(held_classes, parameters.validation, len(_LABELS))]
        test = balanced_prefix(test_classes, parameters.test_limit, len(_LABELS))
        arrays = {
            "train": (train_images[train], train_classes[train]),
            "validation": (train_images[validation], train_classes[validation]),
            "test": (test_images[test], test_classes[test]),
        }
        return Dataset(
            info=_info(reference, parameters),
            task=Classification(),
            splits={
                name: TensorSplit(_STANDARDISATION.apply(images[:, None]), torch.from_numpy(classes).long())
                for name, (images, classes) in arrays.items()
            },
            fingerprint=fingerprint(arrays),
            train_augmentation=image_augmentation(parameters.augment, _STANDARDISATION.black(), 28),
        )


def _checked(reference: Reference) -> tuple[Reference, FashionMnistParameters]:
    if reference.target:
        raise InvalidArgument.field(
            "reference", f"fashion-mnist takes no target; write fashion-mnist?limit=10000, not '{reference}'"
        )
    parameters = parse_parameters(FashionMnistParameters, reference)
    given = {name: value for name, value in as_text(parameters).items() if value}
    return Reference("fashion-mnist", "", given), parameters


def _pair(files: dict[str, Path], split: str):  # type: ignore[no-untyped-def]
    return read_idx(files[f"{split}-images"]), read_idx(files[f"{split}-labels"])


def _info(reference: Reference, parameters: FashionMnistParameters) -> DataInfo:
    return DataInfo(
        reference=str(reference),
        task=Classification.name,
        sizes={"train": parameters.limit, "validation": parameters.validation, "test": parameters.test_limit},
        input_shape=(1, 28, 28),
        num_classes=len(_LABELS),
        labels=_LABELS,
        preprocessing=_STANDARDISATION.as_preprocessing(),
    )
