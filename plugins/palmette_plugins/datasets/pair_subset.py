"""Kept subsets of a pool as datasets: an artifact that holds the uids and names the pool."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from palmette_plugins.api.artifacts import StoredArtifact
from palmette_plugins.api.data import DataInfo, Dataset
from palmette_plugins.api.errors import InvalidArgument
from palmette_plugins.api.reference_parameters import as_text, parse_parameters
from palmette_plugins.api.references import Reference
from palmette_plugins.api.resolve import DATASET_SOURCE, describe_dataset, load_dataset
from palmette_plugins.datasets.pair_dataset import PairDataset, PairParameters, pair_dataset, pair_info
from palmette_plugins.datasets.pair_pool import PairPool, PairShard, RawPair
from palmette_plugins.datasets.uid_file import UidSet

FILE_NAME = "subset.npy"
_POOL = "pool"
_KEPT = "kept"


def subset_attributes(pool: str, kept: int) -> Mapping[str, Any]:
    """Return the manifest's attributes of a kept subset of the pool that a reference names."""
    return {DATASET_SOURCE: "pairs", _POOL: pool, _KEPT: kept}


def subset_info(artifact: StoredArtifact, reference: Reference) -> DataInfo:
    """Return what is known of a kept subset without opening its pool's files further than a description does."""
    pool = describe_dataset(_pool_reference(artifact), "reference", artifact.store)
    default = {"size": str(pool.input_shape[1])}
    given = Reference(reference.scheme, reference.target, {**default, **reference.parameters})
    parameters = parse_parameters(PairParameters, given)
    kept = int(artifact.manifest.attributes[_KEPT])
    written = Reference(reference.scheme, artifact.id, as_text(parameters))
    return pair_info(str(written), kept, pool.input_shape[0], parameters.size)


def subset_dataset(artifact: StoredArtifact, reference: Reference) -> Dataset:
    """Return the pairs of the pool whose uids the artifact holds."""
    pool = load_dataset(_pool_reference(artifact), "reference", artifact.store)
    if not isinstance(pool, PairDataset):
        raise InvalidArgument.field("reference", f"'{pool.info.reference}' holds no image-text pairs")
    uids = UidSet(artifact.file(FILE_NAME))
    return pair_dataset(subset_info(artifact, reference), SubsetPool(pool.pool, uids))


class SubsetPool(PairPool):
    """The pairs of a pool that are in a set of uids."""

    def __init__(self, pool: PairPool, uids: UidSet) -> None:
        self._pool = pool
        self._uids = uids

    @property
    def size(self) -> int:
        """Uids in the set."""
        return len(self._uids)

    def shards(self) -> Sequence[PairShard]:
        """Return the pool's shards, each without what is not kept."""
        return [_Kept(shard, self._uids) for shard in self._pool.shards()]

    def fingerprint(self) -> str:
        """Return a digest of the pool and of the uids."""
        return hashlib.sha256(f"{self._pool.fingerprint()}:{self._uids.digest()}".encode()).hexdigest()


class _Kept(PairShard):
    def __init__(self, shard: PairShard, uids: UidSet) -> None:
        self.name = shard.name
        self._shard = shard
        self._uids = uids

    def pairs(self) -> Iterator[RawPair]:
        return (pair for pair in self._shard.pairs() if pair.uid in self._uids)


def _pool_reference(artifact: StoredArtifact) -> str:
    pool = str(artifact.manifest.attributes.get(_POOL) or "")
    if not pool:
        raise InvalidArgument.field("reference", f"artifact {artifact.id[:12]} does not name the pool it is from")
    return pool
