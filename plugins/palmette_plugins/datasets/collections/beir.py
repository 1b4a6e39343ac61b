"""``beir:<folder>``: the user's own collection, or a public one, in the layout of BEIR."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from palmette_plugins.api.data import DataInfo, DatasetSource
from palmette_plugins.api.errors import InvalidArgument
from palmette_plugins.api.local_paths import local_path
from palmette_plugins.api.reference_parameters import ReferenceParameters, as_text, parse_parameters
from palmette_plugins.api.references import Reference
from palmette_plugins.datasets.collections.dataset import (
    CollectionDataset,
    collection_dataset,
    collection_info,
    ranking_info,
)
from palmette_plugins.datasets.collections.folder import CORPUS, Collection, judgement_files, read_collection
from palmette_plugins.datasets.collections.judgements import SPLITS, read_judgements
from palmette_plugins.datasets.collections.published import published

_CHECKED_AT_ONCE_BYTES = 64 * 2**20


class BeirParameters(ReferenceParameters):
    """Parameters of ``beir``."""

    name: str | None = Field(None, description="what tables call the set; the folder's name when left out")
    group: str | None = Field(None, description="what it is about; leaderboards take means over equal ones")


class Beir(DatasetSource):
    """A folder with ``corpus.jsonl``, ``queries.jsonl`` and ``qrels/test.tsv`` (``train.tsv``, ``dev.tsv``).

    A folder of such folders is one set: its figures are the plain means of its members'. Up to 64 MiB of passages are
    checked line by line when a job is submitted, larger ones when it starts.
    """

    summary = "your own test collection in the layout of BEIR: beir:/data/scifact"

    def describe(self, reference: Reference) -> DataInfo:
        """Return the judged queries per split, after the checks that are quick."""
        folder, parameters = _checked(reference)
        complete = str(Reference("beir", reference.target, as_text(parameters)))
        folders = member_folders(folder)
        if sum((member / CORPUS).stat().st_size for member in folders) <= _CHECKED_AT_ONCE_BYTES:
            return collection_info(complete, _members(folders, parameters))
        sizes = dict.fromkeys(SPLITS, 0)
        for member in folders:
            for split, file in judgement_files(member).items():
                sizes[split] += len(read_judgements(file))
        return ranking_info(complete, sizes)

    def load(self, reference: Reference) -> CollectionDataset:
        """Return the collection; its texts stay on the disk."""
        folder, parameters = _checked(reference)
        complete = str(Reference("beir", reference.target, as_text(parameters)))
        known = published(parameters.name or folder.name)
        group = parameters.group or (known.group if known is not None else "")
        members = _members(member_folders(folder), parameters)
        return collection_dataset(complete, members, group, parameters.name or folder.name)


def member_folders(folder: Path) -> list[Path]:
    """Return the folders of the collections that a folder is, sorted; an ordinary collection is its own.

    Raises:
        InvalidArgument: It does not exist, or a file of the layout is missing.
    """
    if not folder.is_dir():
        raise InvalidArgument.field("reference", f"there is no folder {folder}")
    inside = sorted(path for path in folder.iterdir() if (path / CORPUS).is_file())
    folders = inside if inside and not (folder / CORPUS).exists() else [folder]
    for member in folders:
        judgement_files(member)
    return folders


def _members(folders: list[Path], parameters: BeirParameters) -> tuple[Collection, ...]:
    name = (parameters.name or "") if len(folders) == 1 else ""
    return tuple(read_collection(folder, name) for folder in folders)


def _checked(reference: Reference) -> tuple[Path, BeirParameters]:
    if not reference.target:
        raise InvalidArgument.field("reference", "beir needs a folder: write beir:/path/to/collection")
    return local_path(reference.target), parse_parameters(BeirParameters, reference)
