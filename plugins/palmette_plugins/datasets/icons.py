"""``icons``: 390,000 icons of 240 sets with their names, a pool with real dirt in it."""

from __future__ import annotations

import hashlib

from pydantic import Field

from palmette_plugins.api.data import DataInfo, Dataset, DatasetSource
from palmette_plugins.api.errors import InvalidArgument
from palmette_plugins.api.reference_parameters import as_text, parse_parameters
from palmette_plugins.api.references import Reference
from palmette_plugins.datasets.icons_index import IconsIndex, icons_index
from palmette_plugins.datasets.pair_dataset import PairParameters, pair_dataset, pair_info
from palmette_plugins.datasets.pair_pool import IndexedPool, RawPair, position_uid
from palmette_plugins.datasets.spoiled_captions import SpoiledPool
from palmette_plugins.datasets.svg_images import rendered_svg


class IconsParameters(PairParameters):
    """Parameters of ``icons``."""

    skip: int = Field(0, ge=0, description="leave out the first so many pairs")
    limit: int | None = Field(None, ge=1, description="pairs, in a fixed mixed order of all sets")
    spoiled: float = Field(0.0, ge=0, le=1, description="share of captions that are made wrong, in hundredths")
    seed: int = Field(0, ge=0, description="which captions are spoiled, and how")
    path: str | None = Field(None, description="folder of the unpacked npm package, where it is not to be fetched")


class Icons(DatasetSource):
    """Icons drawn when they are asked for, with their names and their sets' as captions.

    Many are nearly the same, and many names say little: what a pool from the web is like.
    """

    summary = "390,000 icons with their names, a pool to filter: icons?limit=50000 (npm's @iconify/json)"

    def describe(self, reference: Reference) -> DataInfo:
        """Return what the index tells; it is made the first time."""
        return _pairs(reference)[0]

    def load(self, reference: Reference) -> Dataset:
        """Return the pool."""
        return pair_dataset(*_pairs(reference))


class IconsPool(IndexedPool):
    """Icons from `skip` on, as many as `size`, in the index's mixed order."""

    def __init__(self, index: IconsIndex, skip: int, size: int, pixels: int) -> None:
        self._index, self._skip, self._size, self._pixels = index, skip, size, pixels

    @property
    def size(self) -> int:
        """Pairs."""
        return self._size

    def pair(self, index: int) -> RawPair:
        """Draw an icon; whether its name fits, nobody knows."""
        icon = self._icon(index)
        image = rendered_svg(self._index.drawing(icon), self._pixels)
        return RawPair(position_uid("icons", icon), image, self._index.caption(icon))

    def caption(self, index: int) -> str:
        """Return the name as words, and the set's."""
        return self._index.caption(self._icon(index))

    def fingerprint(self) -> str:
        """Return a digest of the whole set's shape and of the part taken: hashing all drawings would take longer."""
        whole = f"{len(self._index.order)}:{self._index.drawing_ends[-1]}:{self._index.caption_ends[-1]}"
        return hashlib.sha256(f"{whole}:{self._skip}:{self._size}:{self._pixels}".encode()).hexdigest()

    def _icon(self, index: int) -> int:
        return int(self._index.order[self._skip + index])


def _pairs(reference: Reference) -> tuple[DataInfo, IndexedPool]:
    if reference.target:
        raise InvalidArgument.field("reference", f"icons takes no target; write icons?limit=50000, not '{reference}'")
    parameters = parse_parameters(IconsParameters, reference)
    index = icons_index(parameters.path)
    there = len(index.order)
    size = parameters.limit or there - parameters.skip
    if not 0 < size <= there - parameters.skip:
        raise InvalidArgument.field("reference", f"'{reference}' asks for more than the {there} icons that there are")
    pool: IndexedPool = IconsPool(index, parameters.skip, size, parameters.size)
    if parameters.spoiled:
        pool = SpoiledPool(pool, parameters.spoiled, parameters.seed)
    written = str(Reference("icons", "", as_text(parameters)))
    return pair_info(written, size, 3, parameters.size), pool
