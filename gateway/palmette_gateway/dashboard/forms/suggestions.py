"""References to offer for a method's inputs: what was used before, and models that are there."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from palmette.errors import PalmetteError
from palmette.types import Artifact, InputType, JobInfo, Plugin, PluginInput
from palmette_gateway.dashboard.calls.artifacts import list_artifacts
from palmette_gateway.dashboard.calls.jobs import list_jobs
from palmette_gateway.dashboard.ports import SuiteApi
from palmette_gateway.dashboard.presentation.formatting import number, short
from palmette_gateway.dashboard.presentation.metrics import headline

_MOST = 40


async def suggestions(suite: SuiteApi, plugin: Plugin) -> dict[str, list[tuple[str, str]]]:
    """Return (reference, what it is) by input name; nothing for what does not answer: they are only suggestions."""
    return await suggest(suite, plugin.inputs)


async def suggest(suite: SuiteApi, inputs: Iterable[PluginInput]) -> dict[str, list[tuple[str, str]]]:
    """Return the same for some inputs."""
    jobs, artifacts = await asyncio.gather(_jobs(suite), _artifacts(suite))
    found = {}
    for item in inputs:
        made = [(artifact.reference, _describe(artifact)) for artifact in artifacts if _fits(item.type, artifact)]
        used = [(text, "used before") for text in _used(jobs, item.name)]
        found[item.name] = (used + made)[:_MOST]
    return found


async def _jobs(suite: SuiteApi) -> tuple[JobInfo, ...]:
    try:
        return (await list_jobs(suite, page_size=100)).jobs
    except PalmetteError:
        return ()


async def _artifacts(suite: SuiteApi) -> tuple[Artifact, ...]:
    try:
        return (await list_artifacts(suite, page_size=_MOST))[0]
    except PalmetteError:
        return ()


def _fits(type_: InputType, artifact: Artifact) -> bool:
    match type_:
        case InputType.MODEL:
            return artifact.kind in ("model", "supernet")
        case InputType.DATASET:
            return artifact.kind == "dataset"
        case _:
            return True


def _used(jobs: Iterable[JobInfo], name: str) -> list[str]:
    """Return the references that jobs had under the same name, or its plural for lists; newest first."""
    texts: dict[str, None] = {}
    for job in jobs:
        for own, references in job.inputs.items():
            if own.rstrip("s") == name.rstrip("s"):
                texts.update(dict.fromkeys(text for text in references if not text.startswith("artifact:")))
    return list(texts)[:12]


def _describe(artifact: Artifact) -> str:
    figures = ", ".join(f"{name} {number(value)}" for name, value in headline(artifact.metrics, 1))
    return " ".join(filter(None, [artifact.plugin.rpartition("/")[2], short(artifact.id), figures]))
