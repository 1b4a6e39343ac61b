"""``imagefolder:<path>``: the user's own images, one folder a class."""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from pydantic import Field, field_validator
from torch.utils.data import Dataset as TorchDataset

from palmette_plugins.api.data import DataInfo, Dataset, DatasetSource
from palmette_plugins.api.errors import InvalidArgument
from palmette_plugins.api.local_paths import local_path
from palmette_plugins.api.reference_parameters import as_text, parse_parameters
from palmette_plugins.api.references import Reference
from palmette_plugins.datasets.augmentation import image_augmentation
from palmette_plugins.datasets.image_files import ImageFiles, ImageReader, digests, first_image_shape, read_all
from palmette_plugins.datasets.image_preprocessing import Standardisation
from palmette_plugins.datasets.image_tree import ImageTree, scan_image_tree
from palmette_plugins.datasets.limits import LimitParameters, limited_sizes
from palmette_plugins.datasets.splitting import balanced_prefix
from palmette_plugins.datasets.tensor_split import TensorSplit
from palmette_plugins.tasks.classification import Classification

# Of ImageNet's training images, as timm's models expect; the grey values are their means.
_COLOUR = Standardisation(1 / 255, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_GREY = Standardisation(1 / 255, (0.449,), (0.226,))
_IN_MEMORY_BYTES = 2 * 2**30


class ImageFolderParameters(LimitParameters):
    """Parameters of ``imagefolder``; the limits take images evenly over the classes, the first by their paths."""

    size: int | None = Field(None, ge=1, le=4096, description="bring all images to size x size")
    channels: Literal[1, 3] | None = Field(None, description="1 grey, 3 colour; as the first image is if left out")
    augment: tuple[Literal["crop", "flip"], ...] = Field((), description="changes of training images: crop,flip")
    seed: int = Field(0, ge=0, description="which images are carved off for validation and test")

    @field_validator("augment", mode="before")
    @classmethod
    def _split_names(cls, value: object) -> object:
        return tuple(name for name in value.split(",") if name) if isinstance(value, str) else value

    @field_validator("channels", mode="before")
    @classmethod
    def _number(cls, value: object) -> object:
        return int(value) if isinstance(value, str) and value.isdecimal() else value


class ImageFolder(DatasetSource):
    """A folder of class folders, or of ``train``, ``validation`` and ``test`` folders of class folders.

    Sets of up to 2 GiB are decoded into memory; larger ones image by image as they are needed.
    """

    summary = "your own images, one folder for each class: imagefolder:/data/flowers?size=64"

    def describe(self, reference: Reference) -> DataInfo:
        """Return what the folders and the first image's head tell."""
        return _Folder(reference).info

    def load(self, reference: Reference) -> Dataset:
        """Return the images; every file is read, and named if it cannot be."""
        folder = _Folder(reference)
        return Dataset(
            info=folder.info,
            task=Classification(),
            splits={name: folder.split(name) for name in folder.tree.files},
            fingerprint=folder.fingerprint(),
            train_augmentation=image_augmentation(
                folder.parameters.augment, folder.reader.standardisation.black(), folder.reader.width
            ),
        )


class _Folder:
    """One reference, resolved."""

    def __init__(self, reference: Reference) -> None:
        if not reference.target:
            raise InvalidArgument.field("reference", "imagefolder needs a folder: write imagefolder:/path/to/images")
        self.parameters = parse_parameters(ImageFolderParameters, reference)
        self.tree = _limited(scan_image_tree(local_path(reference.target), self.parameters.seed), self.parameters)
        self.reader = _reader(self.parameters, self.tree.files["train"][0])
        given = {name: value for name, value in as_text(self.parameters).items() if value}
        self.info = _info(Reference("imagefolder", reference.target, given), self.tree, self.reader, self.parameters)

    def split(self, name: str) -> TorchDataset[Any]:
        files, labels = self.tree.files[name], self.tree.labels[name]
        images = sum(len(part) for part in self.tree.files.values())
        if images * 4 * math.prod(self.info.input_shape) > _IN_MEMORY_BYTES:
            return ImageFiles(files, labels, self.reader)
        pixels = read_all(files, self.reader)
        return TensorSplit(self.reader.standardisation.apply(pixels), torch.tensor(labels))

    def fingerprint(self) -> str:
        """Hash classes, splits and the content of every file; names of files do not count."""
        total = hashlib.sha256("|".join((*self.tree.classes, str(self.info.input_shape))).encode())
        for name, files in self.tree.files.items():
            total.update(name.encode())
            for label, digest in zip(self.tree.labels[name], digests(files), strict=True):
                total.update(label.to_bytes(4, "big") + digest)
        return total.hexdigest()


def _limited(tree: ImageTree, parameters: ImageFolderParameters) -> ImageTree:
    """Return the tree with as many files of each split as the limits allow."""
    if parameters.limit is None and parameters.test_limit is None:
        return tree
    classes = len(tree.classes)
    sizes = limited_sizes({name: len(files) for name, files in tree.files.items()}, parameters, classes)
    kept = {
        name: balanced_prefix(np.array(labels), sizes[name], classes).tolist() for name, labels in tree.labels.items()
    }
    return replace(
        tree,
        files={name: [tree.files[name][index] for index in indices] for name, indices in kept.items()},
        labels={name: [tree.labels[name][index] for index in indices] for name, indices in kept.items()},
    )


def _reader(parameters: ImageFolderParameters, first: Path) -> ImageReader:
    channels, height, width = first_image_shape(first)
    channels = parameters.channels or channels
    return ImageReader(
        channels=channels,
        height=parameters.size or height,
        width=parameters.size or width,
        resize=parameters.size is not None,
        standardisation=_GREY if channels == 1 else _COLOUR,
    )


def _info(reference: Reference, tree: ImageTree, reader: ImageReader, parameters: ImageFolderParameters) -> DataInfo:
    preprocessing = dict(reader.standardisation.as_preprocessing())
    if parameters.size is not None:
        preprocessing["resize"] = parameters.size
    return DataInfo(
        reference=str(reference),
        task=Classification.name,
        sizes={name: len(files) for name, files in tree.files.items()},
        input_shape=(reader.channels, reader.height, reader.width),
        num_classes=len(tree.classes),
        labels=tree.classes,
        preprocessing=preprocessing,
    )
