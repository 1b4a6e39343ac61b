"""Plugins as the SDK sees them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class PluginState(StrEnum):
    """Whether a plugin can run."""

    READY = "READY"
    BROKEN = "BROKEN"


class InputType(StrEnum):
    """What kind of reference an input takes."""

    MODEL = "model"
    DATASET = "dataset"
    ARTIFACT = "artifact"


@dataclass(frozen=True)
class Paper:
    """Where a method was published."""

    title: str
    authors: str
    year: int
    url: str = ""


@dataclass(frozen=True)
class PluginInput:
    """A named input of a method."""

    name: str
    type: InputType
    repeated: bool = False
    optional: bool = False
    description: str = ""


@dataclass(frozen=True)
class PluginOutput:
    """A named output of a method and the kind of artifact that it is."""

    name: str
    kind: str
    repeated: bool = False
    description: str = ""


@dataclass(frozen=True)
class Plugin:
    """An installed method; fields are those of the message ``palmette.v1.Plugin``.

    Attributes:
        name: ``services/{service}/plugins/{plugin}``.
        kind: What it does to a network, such as ``prune``; empty for a BROKEN one.
        config_schema: JSON Schema (2020-12) of the configuration.
        import_error: Why it is BROKEN, traceback included.
    """

    name: str
    state: PluginState
    kind: str = ""
    summary: str = ""
    description: str = ""
    paper: Paper | None = None
    config_schema: Mapping[str, Any] = field(default_factory=dict)
    inputs: tuple[PluginInput, ...] = ()
    outputs: tuple[PluginOutput, ...] = ()
    distribution: str = ""
    version: str = ""
    import_error: str = ""
    tasks: tuple[str, ...] = ()

    @property
    def service(self) -> str:
        """Service that runs it."""
        return self.name.split("/")[1]

    @property
    def id(self) -> str:
        """Last part of its name, such as ``random-pruning``."""
        return self.name.rsplit("/", 1)[-1]
