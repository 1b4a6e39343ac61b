"""Scores by name: entry points of the group ``palmette.scores``, so that another package adds its own."""

from __future__ import annotations

from typing import cast

from palmette_plugins.api import entry_points
from palmette_plugins.api.data import DataInfo
from palmette_plugins.api.errors import InvalidArgument, PalmetteError
from palmette_plugins.api.resolve import task
from palmette_plugins.engines.sparse_search.scoring import Score

GROUP = "palmette.scores"


def load_score(name: str, data: DataInfo, field: str = "config.score") -> Score:
    """Return the score `name`.

    Raises:
        InvalidArgument: There is none, it fails to import, or the data's task does not measure what it needs.
    """
    try:
        score = cast("Score", entry_points.load(GROUP, name, "score")())
    except PalmetteError as error:
        raise InvalidArgument.field(field, str(error)) from None
    if name == "accuracy_at_init" and task(data.task).primary_metric != "accuracy":
        raise InvalidArgument.field(field, f"accuracy_at_init needs a task with an accuracy; the data is {data.task}")
    return score
