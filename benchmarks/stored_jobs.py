"""A database with many jobs, made from a few that really ran."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, create_engine, text

BELONGING = ("job_labels", "job_metrics", "job_outputs", "job_events")
LABELLED = "id = (SELECT min(job_id) FROM job_labels)"


def multiply(database: Path, count: int, which: str = "end_time_us IS NOT NULL") -> None:
    """Copy the stored jobs that a condition names, in turn, `count` times, with all that belongs to them.

    The copies are older than every real job, a minute apart; one of a job that waits counts as succeeded, so that no
    copy ever runs. The service must be down.
    """
    engine = create_engine(f"sqlite:///{database}")
    with engine.begin() as connection:
        connection.execute(
            text(
                "CREATE TEMP TABLE copies AS WITH RECURSIVE "
                f"numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count}), "
                f"chosen AS (SELECT id, row_number() OVER (ORDER BY id) - 1 AS turn FROM jobs WHERE {which}) "
                "SELECT printf('%026d', :count + 1 - n) AS id, n, chosen.id AS original FROM numbers "
                "JOIN chosen ON chosen.turn = n % (SELECT count(*) FROM chosen)"
            ),
            {"count": count},
        )
        ages = {f"{name}_time_us": f"t.{name}_time_us - n * 60000000" for name in ("create", "start")}
        ended = "COALESCE(t.end_time_us, t.create_time_us) - n * 60000000"
        state = "CASE WHEN t.end_time_us IS NULL THEN 3 ELSE t.state END"
        own = {"id": "copies.id", "request_id": "NULL", "state": state, "end_time_us": ended, **ages}
        _copy(connection, "jobs", "id", own)
        for table in BELONGING:
            _copy(connection, table, "job_id", {"job_id": "copies.id"})
    engine.dispose()


def _copy(connection: Connection, table: str, key: str, changed: dict[str, str]) -> None:
    columns = [row[1] for row in connection.execute(text(f"PRAGMA table_info({table})"))]
    names = ", ".join(f'"{column}"' for column in columns)
    values = ", ".join(changed.get(column, f't."{column}"') for column in columns)
    connection.execute(
        text(f"INSERT INTO {table} ({names}) SELECT {values} FROM copies JOIN {table} t ON t.{key} = copies.original")
    )
