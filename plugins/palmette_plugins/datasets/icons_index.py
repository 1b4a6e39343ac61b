"""The icons of ``@iconify/json`` on disk, so that any of them is found without reading the others.

Built once into the cache: all drawings one after the other in one file, where each starts in another, captions in a
third. Nothing of it is held in memory.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from palmette_plugins.api.errors import DataLoss
from palmette_plugins.datasets.cache import cached_folder
from palmette_plugins.datasets.npm_packages import npm_package
from palmette_plugins.datasets.splitting import stable_order

PACKAGE = "@iconify/json"
VERSION = "2.2.535"
_FORMAT = 1


@dataclass(frozen=True)
class IconsIndex:
    """Where everything is.

    Attributes:
        drawings: Bytes of all SVG files.
        drawing_ends: Where each ends in `drawings`.
        captions: Bytes of all captions.
        caption_ends: Where each ends in `captions`.
        order: A fixed mixed order of all icons.
    """

    drawings: NDArray[np.uint8]
    drawing_ends: NDArray[np.int64]
    captions: NDArray[np.uint8]
    caption_ends: NDArray[np.int64]
    order: NDArray[np.int64]

    def drawing(self, icon: int) -> str:
        """Return an icon's SVG."""
        return _part(self.drawings, self.drawing_ends, icon)

    def caption(self, icon: int) -> str:
        """Return an icon's name as words, then its set's."""
        return _part(self.captions, self.caption_ends, icon)


@lru_cache(maxsize=2)
def icons_index(path: str | None) -> IconsIndex:
    """Return the index of the package's icons, made the first time.

    Raises:
        NotFound: The package is not here and cannot be fetched.
        DataLoss: It is here but damaged.
    """
    package = npm_package(PACKAGE, VERSION, path)
    named = VERSION if path is None else f"at-{_identity(package)}"
    folder = cached_folder(f"icons-index-{_FORMAT}-{named}", lambda target: _build(package, target))
    return IconsIndex(
        np.memmap(folder / "drawings", np.uint8, "r"),
        np.load(folder / "drawing_ends.npy", mmap_mode="r"),
        np.memmap(folder / "captions", np.uint8, "r"),
        np.load(folder / "caption_ends.npy", mmap_mode="r"),
        np.load(folder / "order.npy", mmap_mode="r"),
    )


def _build(package: Path, target: Path) -> None:
    keys: list[str] = []
    drawing_ends: list[int] = []
    caption_ends: list[int] = []
    with (target / "drawings").open("wb") as drawings, (target / "captions").open("wb") as captions:
        for file in sorted((package / "json").glob("*.json")):
            try:
                icons = _icons(orjson.loads(file.read_bytes()))
            except (orjson.JSONDecodeError, KeyError, TypeError) as error:
                raise DataLoss(f"{file} is damaged ({error}); fetch {PACKAGE} again") from None
            for name, caption, svg in icons:
                drawings.write(svg.encode())
                captions.write(caption.encode())
                drawing_ends.append(drawings.tell())
                caption_ends.append(captions.tell())
                keys.append(f"{file.stem}:{name}")
    if not keys:
        raise DataLoss(f"{package / 'json'} has no icons; fetch {PACKAGE} again")
    np.save(target / "drawing_ends.npy", np.array(drawing_ends, np.int64))
    np.save(target / "caption_ends.npy", np.array(caption_ends, np.int64))
    np.save(target / "order.npy", stable_order(keys))


def _icons(data: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return (name, caption, SVG) of every icon of a set, drawn in black where it takes the text's colour."""
    of_set = str(data["info"]["name"]).lower()
    found = []
    for name, icon in data["icons"].items():
        box = [icon.get(key, data.get(key, default)) for key, default in _BOX]
        svg = (
            f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
            f'viewBox="{box[0]} {box[1]} {box[2]} {box[3]}">{icon["body"]}</svg>'
        )
        words = name.replace("-", " ").replace("_", " ")
        found.append((name, f"{words} {of_set}", svg.replace("currentColor", "#000")))
    return found


_BOX = (("left", 0), ("top", 0), ("width", 16), ("height", 16))


def _part(data: NDArray[np.uint8], ends: NDArray[np.int64], index: int) -> str:
    start = int(ends[index - 1]) if index else 0
    return data[start : int(ends[index])].tobytes().decode()


def _identity(package: Path) -> str:
    """Return a name for a package at a path of its own: two of them must not share an index."""
    digest = hashlib.sha256()
    for file in sorted((package / "json").glob("*.json")):
        status = file.stat()
        digest.update(f"{file}:{status.st_size}:{status.st_mtime_ns}".encode())
    return digest.hexdigest()[:16]
