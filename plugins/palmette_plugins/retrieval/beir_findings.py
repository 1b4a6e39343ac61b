"""What a comparison found: run files, leaderboard and figures of a job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from palmette_plugins.api import JobContext
from palmette_plugins.engines.retrieval import charts
from palmette_plugins.engines.retrieval.comparison import Place, Protocol
from palmette_plugins.engines.retrieval.leaderboard import Entry, as_markdown, table_rows
from palmette_plugins.retrieval.contestants import BASELINE


def report_metrics(job: JobContext, entry: Entry, official: str, measures: Sequence[str]) -> dict[str, float]:
    """Report an entry's figures and costs; return the figures: per set the official one, and every mean over sets."""
    figures = {f"{name}/{official}": entry.on(name, official) for name in entry.sets}
    figures |= {measure: entry.mean(measure) for measure in measures}
    job.metrics({**figures, **entry.costs}, prefix=f"{entry.name}/")
    return figures


def save_runs(
    job: JobContext, entry: Entry, places: Sequence[Place], protocol: Protocol, figures: Mapping[str, float]
) -> None:
    """Save the run files of an entry."""
    files = {f"{place.key}.trec": protocol.file(entry, place) for place in places}
    attributes = {
        "model": entry.name,
        "type": entry.kind,
        "training_data": entry.training_data,
        "source": entry.artifact,
    }
    job.save_files(files, output="runs", metrics=figures, attributes=attributes)


def save_leaderboard(job: JobContext, board: Mapping[str, Any]) -> None:
    """Save the leaderboard as JSON and as a table."""
    files: dict[str, Any] = {
        "table.json": orjson.dumps(table_rows(board), option=orjson.OPT_INDENT_2),
        "leaderboard.json": orjson.dumps(board, option=orjson.OPT_INDENT_2),
        "leaderboard.md": as_markdown(board).encode(),
    }
    official = board["official"]
    metrics = {f"{entry['model']}/{official}": entry["mean"][official] for entry in board["entries"]}
    job.save_files(files, output="leaderboard", metrics=metrics)


def show_figures(job: JobContext, official: str, protocol: Protocol) -> None:
    """Show recall by depth, and where BM25 took part the gains over it, by set and by query."""
    job.figure("recall by depth", charts.recall_curves(protocol.recall_curves()))
    base = next((entry for entry in protocol.entries if entry.name == BASELINE), None)
    others = [entry for entry in protocol.entries if entry is not base]
    if base is None or not others:
        return
    gains = {
        entry.name: {name: entry.on(name, official) - base.on(name, official) for name in entry.sets}
        for entry in others
    }
    job.figure("gain over BM25", charts.radar(gains, BASELINE, official))
    best = max(others, key=lambda entry: entry.mean(official))
    first, second = (
        {f"{name}/{query}": value for name in base.sets for query, value in entry.queries(name, official).items()}
        for entry in (base, best)
    )
    job.figure("query by query", charts.query_scatter(first, second, (BASELINE, best.name), official))
