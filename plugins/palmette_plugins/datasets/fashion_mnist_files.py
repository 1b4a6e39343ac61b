"""Where Fashion-MNIST's four files are: installed, downloaded before, or downloaded now."""

from __future__ import annotations

from pathlib import Path
from urllib.error import URLError

from palmette_plugins.api.errors import NotFound
from palmette_plugins.datasets.cache import cached_folder

_INSTALLED = Path("/usr/share/datasets/fashion-mnist")
_NAMES = {
    "train-images": "train-images-idx3-ubyte.gz",
    "train-labels": "train-labels-idx1-ubyte.gz",
    "test-images": "t10k-images-idx3-ubyte.gz",
    "test-labels": "t10k-labels-idx1-ubyte.gz",
}


def fashion_mnist_files() -> dict[str, Path]:
    """Return the files by role; raise `NotFound` saying how to get them."""
    folder = _INSTALLED if _complete(_INSTALLED) else cached_folder("fashion-mnist", _download)
    return {role: folder / name for role, name in _NAMES.items()}


def _complete(folder: Path) -> bool:
    return all((folder / name).is_file() for name in _NAMES.values())


def _download(folder: Path) -> None:
    """Fetch the files with torchvision, which checks their digests."""
    from torchvision.datasets import FashionMNIST

    try:
        FashionMNIST(str(folder), download=True)
    except (URLError, RuntimeError, OSError) as error:
        raise NotFound(
            "fashion-mnist is not installed and could not be downloaded "
            f"({type(error).__name__}: {error}); on Debian run: apt-get install dataset-fashion-mnist"
        ) from None
    raw = folder / "FashionMNIST" / "raw"
    for name in _NAMES.values():
        (raw / name).rename(folder / name)
