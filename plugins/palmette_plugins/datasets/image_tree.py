"""A folder of images as splits and classes, without opening an image."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from palmette_plugins.api.errors import InvalidArgument, nearest_names
from palmette_plugins.datasets.splitting import stratified_split

SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"})
_FOLDERS = {"train": ("train",), "validation": ("validation", "val", "valid"), "test": ("test",)}
_SHARES = {"validation": 0.1, "test": 0.2}


@dataclass(frozen=True)
class ImageTree:
    """Files and the index of the class of each, per split, in a fixed order; `classes` are sorted by name."""

    root: Path
    classes: tuple[str, ...]
    files: dict[str, list[Path]]
    labels: dict[str, list[int]]


def scan_image_tree(root: Path, seed: int = 0) -> ImageTree:
    """Return the tree below `root`.

    Either `root` has the folders ``train`` and, where there are any, ``validation`` (or ``val``) and ``test``, each
    with one folder a class; or `root` itself has one folder a class. A split that is not there is carved from the
    training images, class by class: 10 % for validation, 20 % for the test.

    Raises:
        InvalidArgument: The folder is not there, a class has no image or too few to share, or a split has a class
            that the training images lack; field ``reference``.
    """
    if not root.is_dir():
        what = "is not a folder" if root.exists() else "does not exist"
        raise _wrong(f"{root} {what}; imagefolder needs a folder with one folder of images for each class")
    folders = {split: _first_folder(root, names) for split, names in _FOLDERS.items()}
    train = folders["train"] or root
    classes = _class_names(train)
    given = {split: _members(folder, classes) for split, folder in folders.items() if folder is not None}
    pool = given.pop("train", None) or _members(root, classes)
    for split, (files, _) in given.items():
        if not files:
            raise _wrong(f"{folders[split]} has no images")
    parts = {**_carved(root, pool, [split for split in _SHARES if split not in given], len(classes), seed), **given}
    return ImageTree(
        root,
        classes,
        files={split: parts[split][0] for split in _FOLDERS},
        labels={split: parts[split][1] for split in _FOLDERS},
    )


_Members = tuple[list[Path], list[int]]


def _first_folder(root: Path, names: Sequence[str]) -> Path | None:
    return next((root / name for name in names if (root / name).is_dir()), None)


def _class_names(folder: Path) -> tuple[str, ...]:
    names = tuple(sorted(entry.name for entry in folder.iterdir() if entry.is_dir() and entry.name[0] != "."))
    if len(names) < 2:
        found = f"only '{names[0]}'" if names else "none"
        raise _wrong(f"{folder} needs a folder of images for each of at least two classes; it has {found}")
    return names


def _members(folder: Path, classes: Sequence[str]) -> _Members:
    """Return the images of a split; every class must have one in the training images."""
    found = _class_names(folder)
    unknown = [name for name in found if name not in classes]
    if unknown:
        raise _wrong(f"{folder / unknown[0]} is a class without training images{nearest_names(unknown[0], classes)}")
    files: list[Path] = []
    labels: list[int] = []
    for name in found:
        images = _images(folder / name)
        if not images:
            suffixes = ", ".join(sorted(suffix[1:] for suffix in SUFFIXES))
            raise _wrong(f"class '{name}' is empty: {folder / name} has no image ({suffixes})")
        files += images
        labels += [classes.index(name)] * len(images)
    return files, labels


def _images(folder: Path) -> list[Path]:
    """Return the images anywhere below a folder, sorted; os.walk asks the system about folders only, not each file."""
    return sorted(
        Path(base, name)
        for base, _, names in os.walk(folder)
        for name in names
        if name[0] != "." and Path(name).suffix.lower() in SUFFIXES
    )


def _carved(root: Path, pool: _Members, missing: Sequence[str], classes: int, seed: int) -> dict[str, _Members]:
    """Return the training images and the splits carved from them."""
    files, labels = pool
    counts = np.bincount(labels, minlength=classes)
    fewest = int(counts.argmin())
    if counts[fewest] <= len(missing):
        raise _wrong(
            f"{files[labels.index(fewest)].parent} has {counts[fewest]} image(s); a class needs at least "
            f"{len(missing) + 1}, so that {' and '.join(missing)} can have one"
        )
    keys = [file.relative_to(root).as_posix() for file in files]
    shares = [_SHARES[split] for split in missing]
    parts = stratified_split(np.array(labels), keys, shares, classes, seed)
    named = dict(zip([*missing, "train"], parts, strict=True))
    return {split: ([files[i] for i in part], [labels[i] for i in part]) for split, part in named.items()}


def _wrong(description: str) -> InvalidArgument:
    return InvalidArgument.field("reference", description)
