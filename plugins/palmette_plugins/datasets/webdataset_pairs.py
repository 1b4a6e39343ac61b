"""``webdataset:<pattern>``: image-text pairs in tar files, as DataComp and img2dataset write them."""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import fsspec
from pydantic import Field

from palmette_plugins.api.data import DataInfo, Dataset, DatasetSource
from palmette_plugins.api.errors import DataLoss, InvalidArgument, NotFound
from palmette_plugins.api.local_paths import local_path
from palmette_plugins.api.reference_parameters import as_text, parse_parameters
from palmette_plugins.api.references import Reference
from palmette_plugins.datasets.pair_columns import CAPTIONS, IMAGES, checked_uid
from palmette_plugins.datasets.pair_dataset import PairParameters, pair_dataset, pair_info
from palmette_plugins.datasets.pair_pool import PairPool, PairShard, RawPair, position_uid


class WebDatasetParameters(PairParameters):
    """Parameters of ``webdataset``."""

    pairs: int | None = Field(None, ge=1, description="pairs in all shards, where counting them would take too long")


class WebDatasetPairs(DatasetSource):
    """Tar files with an image, a ``.txt`` and optionally a ``.json`` for each key; its ``uid`` names the pair.

    Braces name many shards: ``webdataset:/data/{00000..00099}.tar``; so do ``s3:`` and other URLs that fsspec opens.
    """

    summary = "image-text pairs in tar shards: webdataset:/data/{000..099}.tar"

    def describe(self, reference: Reference) -> DataInfo:
        """Return what the shards' lists of files tell."""
        return _described(reference)[0]

    def load(self, reference: Reference) -> Dataset:
        """Return the pool; no image is read yet."""
        return pair_dataset(*_described(reference))


@dataclass(frozen=True)
class TarShard(PairShard):
    """One tar file, at a path or URL."""

    url: str

    @property
    def name(self) -> str:  # type: ignore[override]
        """The file's name."""
        return self.url.rsplit("/", 1)[-1]

    def pairs(self) -> Iterator[RawPair]:
        """Yield its samples in order; one without an image or a text has it empty."""
        from webdataset.tariterators import group_by_keys, tar_file_iterator

        with _opened(self.url) as stream:
            for sample in group_by_keys(_members(self.url, tar_file_iterator(stream))):
                caption = next((sample[name] for name in CAPTIONS if name in sample), b"")
                image = next((sample[name] for name in IMAGES if name in sample), b"")
                yield RawPair(_uid(self.name, sample), image, caption.decode(errors="replace").strip())

    def count(self) -> int:
        """Return how many samples there are, from the heads of the files alone."""
        keys = set()
        with _opened(self.url) as stream, _tar(self.url, stream) as tar:
            for member in tar:
                if member.isfile():
                    folder, _, name = member.name.rpartition("/")
                    keys.add((folder, name.split(".", 1)[0]))
        return len(keys)


class TarPool(PairPool):
    """Some tar files."""

    def __init__(self, urls: Sequence[str], pairs: int | None) -> None:
        self._shards = [TarShard(url) for url in urls]
        self._pairs = pairs

    @cached_property
    def size(self) -> int:  # type: ignore[override]
        """Samples of all shards: as told, else counted."""
        return self._pairs or sum(shard.count() for shard in self._shards)

    def shards(self) -> Sequence[PairShard]:
        """Return the tar files."""
        return self._shards

    def fingerprint(self) -> str:
        """Return a digest of the shards' names and sizes: a pool is too large to be read for its name."""
        digest = hashlib.sha256()
        for shard in self._shards:
            filesystem, path = fsspec.core.url_to_fs(shard.url)
            digest.update(f"{shard.name}:{filesystem.size(path)}".encode())
        return digest.hexdigest()


def _described(reference: Reference) -> tuple[DataInfo, TarPool]:
    if not reference.target:
        raise InvalidArgument.field("reference", "webdataset needs shards: write webdataset:/data/{000..099}.tar")
    parameters = parse_parameters(WebDatasetParameters, reference)
    pool = TarPool(_urls(reference.target), parameters.pairs)
    written = str(Reference("webdataset", reference.target, as_text(parameters)))
    return pair_info(written, pool.size, 3, parameters.size), pool


def _urls(target: str) -> list[str]:
    try:
        from webdataset.shardlists import expand_urls
    except ImportError:
        text = "tar shards need webdataset: pip install 'palmette-plugins[data-filtering]'"
        raise NotFound(text) from None
    urls = [url if "://" in url else str(local_path(url)) for url in expand_urls(target)]
    for url in urls:
        filesystem, path = fsspec.core.url_to_fs(url)
        if not filesystem.isfile(path):
            raise InvalidArgument.field("reference", f"no shard '{url}'")
    return urls


def _opened(url: str) -> Any:
    return fsspec.open(url, "rb")


def _tar(url: str, stream: Any) -> tarfile.TarFile:
    try:
        return tarfile.open(fileobj=stream, mode="r:*")
    except tarfile.TarError as error:
        raise InvalidArgument.field("reference", f"'{url}' is not a tar file: {error}") from None


def _members(url: str, members: Iterator[Any]) -> Iterator[Any]:
    """Pass members on; a shard that ends in the middle of a file is said to be damaged."""
    try:
        for member in members:
            yield {**member, "__url__": url}
    except tarfile.TarError as error:
        raise DataLoss(f"'{url}' is damaged: {error}") from None


def _uid(shard: str, sample: dict[str, Any]) -> str:
    described = sample.get("json")
    if described:
        try:
            uid = json.loads(described).get("uid")
        except (ValueError, AttributeError):
            uid = None
        if uid:
            return checked_uid(str(uid), f"{shard}, key {sample['__key__']}")
    return position_uid(shard, sample["__key__"])
