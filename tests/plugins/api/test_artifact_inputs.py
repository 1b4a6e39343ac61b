"""Artifacts as inputs: of the kinds that an input takes, as datasets, with their lineage."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, ClassVar

import pytest

from palmette_plugins.api import (
    ArtifactRef,
    DatasetRef,
    InvalidArgument,
    JobContext,
    Kind,
    Method,
    ModelRef,
    Table,
    run_method,
)
from palmette_plugins.api.artifacts import ArtifactStore
from palmette_plugins.api.kinds import ArtifactKind
from palmette_plugins.api.method import input_declarations
from palmette_plugins.api.resolve import load_dataset

SOURCE = """
from palmette_plugins.api import DatasetSource, Reference
from palmette_plugins.api.resolve import dataset_source

class Kept(DatasetSource):
    summary = "the first digits, as many as an artifact says"
    def describe(self, reference):
        raise NotImplementedError
    load = describe
    def _digits(self, artifact):
        return Reference("digits").with_parameters(limit=int(artifact.file("count.txt").read_text()))
    def describe_artifact(self, artifact, reference):
        return dataset_source(Reference("digits")).describe(self._digits(artifact))
    def load_artifact(self, artifact, reference):
        return dataset_source(Reference("digits")).load(self._digits(artifact))
"""


class Count(Method):
    """Counts."""

    kind = Kind.ANALYSE
    inputs: ClassVar[dict[str, Any]] = {
        "data": DatasetRef,
        "previous": Annotated[ArtifactRef | None, "an earlier count", ArtifactKind.TABLE],
        "supernet": Annotated[ModelRef | None, "a supernet", ArtifactKind.SUPERNET],
    }
    outputs: ClassVar[dict[str, Any]] = {"table": Table}

    def run(self, job: JobContext) -> None:
        rows = [{"examples": len(job.dataset("data")["train"])}]  # type: ignore[arg-type]
        if job.has_input("previous"):
            rows.append({"examples": len(job.artifact("previous").file("table.json").read_bytes())})
        job.save_table(rows, output="table")


def saved(store: ArtifactStore, kind: ArtifactKind, **attributes: str) -> str:
    with store.writer() as writer:
        writer.add_bytes("count.txt", b"40")
        return f"artifact:{writer.commit(kind=kind, attributes=attributes)}"


def test_an_input_says_what_it_takes() -> None:
    kinds = {declaration.name: declaration.kinds for declaration in input_declarations(Count)}
    assert kinds == {
        "data": {ArtifactKind.DATASET},
        "previous": {ArtifactKind.TABLE},
        "supernet": {ArtifactKind.SUPERNET},
    }


def test_a_saved_dataset_is_a_dataset_and_a_parent(store: ArtifactStore, install: Any) -> None:
    install("palmette_kept", SOURCE, palmette__datasets={"kept": "palmette_kept:Kept"})
    dataset = saved(store, ArtifactKind.DATASET, dataset_source="kept")
    result = run_method(Count, store=Path(store.url), data=dataset)
    manifest = result.manifest("table")
    assert manifest.parents == (dataset.removeprefix("artifact:"),)
    again = run_method(Count, store=Path(store.url), data="digits", previous=f"artifact:{result.artifacts['table'][0]}")
    assert again.manifest("table").parents == (result.artifacts["table"][0],)
    assert len(load_dataset(dataset, "data", store)["train"]) == 40  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "kind", "text"),
    [
        ("data", ArtifactKind.TABLE, "is a table artifact, not a dataset"),
        ("previous", ArtifactKind.REPORT, "is a report artifact, not a table"),
        ("supernet", ArtifactKind.MODEL, "is a model artifact, not a supernet"),
        ("data", ArtifactKind.DATASET, "not a dataset"),  # whose manifest names no source
    ],
)
def test_an_artifact_of_another_kind_is_refused(store: ArtifactStore, name: str, kind: ArtifactKind, text: str) -> None:
    inputs = {"data": "digits", name: saved(store, kind)}
    with pytest.raises(InvalidArgument) as error:
        run_method(Count, store=Path(store.url), **inputs)
    assert [(found.field, text in found.description) for found in error.value.violations] == [(f"inputs.{name}", True)]


def test_an_artifact_needs_a_store_and_a_scheme(store: ArtifactStore) -> None:
    with pytest.raises(InvalidArgument, match="write artifact:<id>"):
        run_method(Count, store=Path(store.url), data="digits", previous="table:1")
    with pytest.raises(InvalidArgument, match="no artifact store"):
        load_dataset("artifact:0123456789", "data")
