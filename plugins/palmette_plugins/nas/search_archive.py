"""The artifact of a search: its archive in Parquet, readable by the next search."""

from __future__ import annotations

from dataclasses import dataclass

import orjson

from palmette_plugins.api import InvalidArgument, JobContext, StoredArtifact
from palmette_plugins.engines.multi_objective.archive import Archive, from_parquet, table_rows, to_parquet
from palmette_plugins.engines.multi_objective.genes import GeneSpace
from palmette_plugins.engines.multi_objective.objectives import Objective
from palmette_plugins.engines.multi_objective.plan import Tactic
from palmette_plugins.nas.search_results import SearchResults

FILE_NAME = "archive.parquet"


@dataclass(frozen=True)
class EarlierSearch:
    """An archive, and what its search optimised."""

    archive: Archive
    objectives: tuple[Objective, ...]


def save_search(job: JobContext, results: SearchResults, metrics: dict[str, float], tactic: Tactic) -> None:
    """Commit the archive and the front."""
    about = {
        "tactic": tactic.value,
        "objectives": [vars(objective) for objective in results.objectives],
        "hypervolume": results.curve,
        "rounds": results.round_fronts(),
    }
    rows = orjson.dumps(table_rows(results.archive), option=orjson.OPT_INDENT_2)
    files = {FILE_NAME: to_parquet(results.archive, about), "table.json": rows}
    job.save_files(files, output="archive", metrics=metrics, attributes={"rounds": about["rounds"]})
    job.save_table(results.front_rows(), output="front", metrics=metrics)


def read_search(artifact: StoredArtifact, space: GeneSpace, field: str) -> EarlierSearch:
    """Return an earlier search of `space`.

    Raises:
        InvalidArgument: The artifact is no archive, or of another space; field `field`.
    """
    if FILE_NAME not in {file.path for file in artifact.manifest.files}:
        raise InvalidArgument.field(field, f"'{artifact.reference}' is not the archive of a search")
    archive, about = from_parquet(artifact.file(FILE_NAME), space, field)
    return EarlierSearch(archive, tuple(Objective(**objective) for objective in about["objectives"]))
