"""What methods do, and what they produce."""

from __future__ import annotations

from enum import Enum


class Kind(Enum):
    """What a method does to a network."""

    SEARCH = "search"
    PRUNE = "prune"
    GROW = "grow"
    CONVERT = "convert"
    TRAIN = "train"
    DISTIL = "distil"
    FILTER = "filter"
    INDEX = "index"
    EVALUATE = "evaluate"
    ANALYSE = "analyse"


class ArtifactKind(Enum):
    """What an artifact holds."""

    MODEL = "model"
    SUPERNET = "supernet"
    DATASET = "dataset"
    INDEX = "index"
    RUN = "run"
    TABLE = "table"
    REPORT = "report"
    SERVABLE = "servable"
