"""Networks of a front as plain models."""

from __future__ import annotations

from collections.abc import Sequence

from palmette_plugins.api import JobContext
from palmette_plugins.engines.measurements import final_measurements
from palmette_plugins.nas.search_results import SearchResults
from palmette_plugins.nas.subnet_measurements import SPLIT, SubnetMeasurements


def save_models(
    job: JobContext, results: SearchResults, measurements: SubnetMeasurements, chosen: Sequence[int]
) -> None:
    """Cut the chosen entries of an archive out again, as they were measured, and commit each as a plain model."""
    data = job.dataset("data")
    for done, index in enumerate(chosen):
        job.progress(0.95 + 0.05 * done / len(chosen), f"saving network {done + 1} of {len(chosen)}")
        key = results.archive.keys[index]
        found = measurements.network(key)
        searched = {f"{SPLIT}/{name}": value for name, value in results.archive.rows[index].items()}
        metrics = final_measurements(job, found.model, data) | searched
        attributes = {"number": index, "configuration": results.archive.space.decode(key)}
        job.save_model(found.model, output="model", metrics=metrics, attributes=attributes)
