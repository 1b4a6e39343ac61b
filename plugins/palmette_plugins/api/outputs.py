"""Markers for a method's declared outputs: ``outputs = {"model": Model, "members": list[Model]}``."""

from __future__ import annotations

from typing import ClassVar

from palmette_plugins.api.kinds import ArtifactKind


class Output:
    """Base of the markers; `kind` is what the artifact will hold."""

    kind: ClassVar[ArtifactKind]


class Model(Output):
    """A model: spec and weights."""

    kind = ArtifactKind.MODEL


class Supernet(Output):
    """A supernet: a model from which sub-networks are cut."""

    kind = ArtifactKind.SUPERNET


class DataSubset(Output):
    """A dataset or a subset of one."""

    kind = ArtifactKind.DATASET


class Index(Output):
    """A search index."""

    kind = ArtifactKind.INDEX


class Run(Output):
    """A ranked run (TREC format)."""

    kind = ArtifactKind.RUN


class Table(Output):
    """Rows: an archive, a front, scores."""

    kind = ArtifactKind.TABLE


class Report(Output):
    """A report with figures."""

    kind = ArtifactKind.REPORT


class Servable(Output):
    """What the inference server loads: an exported model with its signature."""

    kind = ArtifactKind.SERVABLE
