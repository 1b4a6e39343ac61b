"""``emoji-pairs``: emoji with their official names, a small clean set of image-text pairs."""

from __future__ import annotations

import hashlib

from pydantic import Field

from palmette_plugins.api.data import DataInfo, Dataset, DatasetSource
from palmette_plugins.api.errors import InvalidArgument
from palmette_plugins.api.reference_parameters import as_text, parse_parameters
from palmette_plugins.api.references import Reference
from palmette_plugins.datasets.emoji_files import Emoji, Vendor, emoji_files
from palmette_plugins.datasets.pair_dataset import PairParameters, pair_dataset, pair_info
from palmette_plugins.datasets.pair_pool import IndexedPool, RawPair, position_uid
from palmette_plugins.datasets.splitting import stable_order
from palmette_plugins.datasets.spoiled_captions import SpoiledPool


class EmojiPairParameters(PairParameters):
    """Parameters of ``emoji-pairs``."""

    vendor: Vendor = Field("google", description="whose drawings")
    skip: int = Field(0, ge=0, description="leave out the first so many pairs")
    limit: int | None = Field(None, ge=1, description="pairs, in a fixed mixed order")
    spoiled: float = Field(0.0, ge=0, le=1, description="share of wrong captions, in hundredths")
    seed: int = Field(0, ge=0, description="which captions are spoiled, and how")
    path: str | None = Field(None, description="folder of the unpacked npm package, where it is not to be fetched")


class EmojiPairs(DatasetSource):
    """Emoji with their names."""

    summary = "1,900 emoji with their names as image-text pairs: emoji-pairs?vendor=google (npm's emoji-datasource-*)"

    def describe(self, reference: Reference) -> DataInfo:
        """Return what the list of emoji tells."""
        return _pairs(reference)[0]

    def load(self, reference: Reference) -> Dataset:
        """Return the pairs."""
        return pair_dataset(*_pairs(reference))


class EmojiPool(IndexedPool):
    """Emoji of one vendor."""

    def __init__(self, vendor: str, emoji: list[Emoji]) -> None:
        self._vendor = vendor
        self._emoji = emoji

    @property
    def size(self) -> int:
        """Pairs."""
        return len(self._emoji)

    def pair(self, index: int) -> RawPair:
        """Return the file's content with the official name."""
        emoji = self._emoji[index]
        uid = position_uid(f"emoji/{self._vendor}", emoji.file.name)
        return RawPair(uid, emoji.file.read_bytes(), emoji.caption, clean=True)

    def caption(self, index: int) -> str:
        """Return the official name."""
        return self._emoji[index].caption

    def fingerprint(self) -> str:
        """Return a digest of all files and names."""
        digest = hashlib.sha256()
        for emoji in self._emoji:
            digest.update(emoji.file.read_bytes() + emoji.caption.encode())
        return digest.hexdigest()


def _pairs(reference: Reference) -> tuple[DataInfo, IndexedPool]:
    if reference.target:
        raise InvalidArgument.field("reference", f"emoji-pairs takes no target; write emoji-pairs, not '{reference}'")
    parameters = parse_parameters(EmojiPairParameters, reference)
    emoji = emoji_files(parameters.vendor, parameters.path)
    order = stable_order([each.file.name for each in emoji])
    stop = len(emoji) if parameters.limit is None else parameters.skip + parameters.limit
    if not parameters.skip < stop <= len(emoji):
        raise InvalidArgument.field(
            "reference", f"'{reference}' asks for more than the {len(emoji)} emoji that there are"
        )
    pool: IndexedPool = EmojiPool(parameters.vendor, [emoji[index] for index in order[parameters.skip : stop]])
    if parameters.spoiled:
        pool = SpoiledPool(pool, parameters.spoiled, parameters.seed)
    written = str(Reference("emoji-pairs", "", as_text(parameters)))
    return pair_info(written, pool.size, 3, parameters.size), pool
