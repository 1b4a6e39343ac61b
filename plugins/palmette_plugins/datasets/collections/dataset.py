"""A collection as a dataset: what methods of the service retrieval get."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from torch.utils.data import Dataset as TorchDataset

from palmette_plugins.api.data import DataInfo, Dataset
from palmette_plugins.api.errors import InvalidArgument
from palmette_plugins.datasets.collections.folder import Collection
from palmette_plugins.datasets.collections.judgements import SPLITS
from palmette_plugins.tasks.ranking import Ranking


@dataclass(frozen=True)
class CollectionDataset(Dataset):
    """One collection, or several that count as one (the forums of a community).

    The examples of a split are its judged queries, as (id, text).

    Attributes:
        name: What tables call the set.
        members: The collections, in order; one for an ordinary set.
        group: What the set is about, by which tables take means; empty where that is not known.
    """

    name: str = ""
    members: tuple[Collection, ...] = ()
    group: str = ""

    @property
    def collection(self) -> Collection:
        """The collection, where there is one.

        Raises:
            InvalidArgument: There are several.
        """
        if len(self.members) > 1:
            names = ", ".join(member.name for member in self.members)
            raise InvalidArgument.field("data", f"'{self.info.reference}' is several collections; name one: {names}")
        return self.members[0]


class JudgedQueries(TorchDataset[Any]):
    """The judged queries of one split of one or several collections."""

    def __init__(self, members: tuple[Collection, ...], split: str) -> None:
        self._rows = [row for member in members for row in member.judged_queries(split).items()]

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> tuple[str, str]:
        return self._rows[index]


def collection_info(reference: str, members: tuple[Collection, ...]) -> DataInfo:
    """Return what is known of collections: the sizes are judged queries."""
    return ranking_info(reference, {split: sum(len(m.judgements[split]) for m in members) for split in SPLITS})


def ranking_info(reference: str, sizes: dict[str, int]) -> DataInfo:
    """Return the description of a collection by its judged queries per split."""
    return DataInfo(reference, Ranking.name, sizes, input_shape=(-1,), input_dtype="int64")


def collection_dataset(
    reference: str, members: tuple[Collection, ...], group: str = "", name: str = ""
) -> CollectionDataset:
    """Return the dataset of one or several collections."""
    digest = hashlib.sha256("".join(member.fingerprint for member in members).encode()).hexdigest()
    return CollectionDataset(
        info=collection_info(reference, members),
        task=Ranking(),
        splits={split: JudgedQueries(members, split) for split in SPLITS},
        fingerprint=digest,
        name=name or members[0].name,
        members=members,
        group=group,
    )
