"""The method contract: what a plugin is."""

from __future__ import annotations

import inspect
import types
import typing
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Union, get_args, get_origin

from palmette_plugins.api.config import MethodConfig
from palmette_plugins.api.errors import FieldViolation
from palmette_plugins.api.kinds import ArtifactKind, Kind
from palmette_plugins.api.outputs import Output
from palmette_plugins.api.paper import Paper
from palmette_plugins.api.references import ArtifactRef, DatasetRef, ModelRef

if typing.TYPE_CHECKING:
    from palmette_plugins.api.job import JobContext
    from palmette_plugins.api.submission import Submission


class Method(ABC):
    """A published method as a plugin.

    A subclass declares what it is (`kind`, `paper`, `inputs`, `outputs`, `tasks`, `Config`) and does it in
    `run`. The first line of its docstring is its summary in the catalogue.

    Attributes:
        kind: What it does to a network.
        paper: Where it was published; None for methods of the suite itself.
        inputs: Input name -> marker (`ModelRef`, `DatasetRef`, `ArtifactRef`), wrapped in ``list[...]`` for
            several, ``... | None`` where it may be left out, and ``Annotated[..., "what it is"]`` to say more. Kinds
            of artifacts after the text are the only ones taken: ``Annotated[ArtifactRef, "...", ArtifactKind.RUN]``.
            Unless it names others, a `ModelRef` takes models and a `DatasetRef` datasets.
        outputs: Output name -> marker (`Model`, `Table`, ...), wrapped in ``list[...]`` for several.
        tasks: Names of the tasks that it supports; empty means any.
        config: The validated configuration of this run.
    """

    kind: ClassVar[Kind]
    paper: ClassVar[Paper | None] = None
    inputs: ClassVar[Mapping[str, Any]]
    outputs: ClassVar[Mapping[str, Any]]
    tasks: ClassVar[frozenset[str]] = frozenset()

    class Config(MethodConfig):
        """No settings."""

    def __init__(self, config: Any) -> None:
        self.config = config

    def check(self, submission: Submission) -> Iterable[FieldViolation]:
        """Yield what is wrong with a submission beyond field ranges; the default finds nothing.

        Called when a job is submitted, after `config` was validated and the inputs were resolved. It must be
        quick (no training, no data pass).
        """
        return ()

    @abstractmethod
    def run(self, job: JobContext) -> None:
        """Do it: read inputs from `job`, report through it, save outputs with it."""


@dataclass(frozen=True)
class InputDeclaration:
    """One declared input.

    Attributes:
        name: Its name.
        marker: `ModelRef`, `DatasetRef` or `ArtifactRef`.
        repeated: It takes several references.
        optional: It may be left out.
        description: What it is for.
        kinds: What an artifact given for it may hold.
    """

    name: str
    marker: type
    repeated: bool
    optional: bool
    description: str
    kinds: frozenset[ArtifactKind] = frozenset(ArtifactKind)


_USUAL_KINDS: Mapping[type, frozenset[ArtifactKind]] = {
    ModelRef: frozenset({ArtifactKind.MODEL}),
    DatasetRef: frozenset({ArtifactKind.DATASET}),
}


@dataclass(frozen=True)
class OutputDeclaration:
    """One declared output."""

    name: str
    kind: ArtifactKind
    repeated: bool
    description: str


def input_declarations(method: type[Method]) -> tuple[InputDeclaration, ...]:
    """Return the declared inputs of `method`, in order."""
    return tuple(_input(name, annotation) for name, annotation in method.inputs.items())


def output_declarations(method: type[Method]) -> tuple[OutputDeclaration, ...]:
    """Return the declared outputs of `method`, in order."""
    return tuple(_output(name, annotation) for name, annotation in method.outputs.items())


def summary(method: type[Method]) -> str:
    """Return the first line of the method's docstring."""
    return (inspect.getdoc(method) or method.__name__).splitlines()[0]


def description(method: type[Method]) -> str:
    """Return the method's docstring without its first line."""
    return "\n".join((inspect.getdoc(method) or "").splitlines()[1:]).strip()


def unwrap_annotation(annotation: Any) -> tuple[Any, str, bool, bool]:
    """Split an annotation into (marker, description, repeated, optional)."""
    text, repeated, optional = "", False, False
    while True:
        origin = get_origin(annotation)
        if origin is Annotated:
            annotation, text = get_args(annotation)[0], str(get_args(annotation)[1])
        elif origin is list:
            annotation, repeated = get_args(annotation)[0], True
        elif origin in (Union, types.UnionType):
            optional = True
            annotation = next(arg for arg in get_args(annotation) if arg is not type(None))
        else:
            return annotation, text, repeated, optional


def _input(name: str, annotation: Any) -> InputDeclaration:
    marker, text, repeated, optional = unwrap_annotation(annotation)
    kinds = _kinds(annotation) or _USUAL_KINDS.get(marker, frozenset(ArtifactKind))
    if marker not in (ModelRef, DatasetRef, ArtifactRef):
        raise TypeError(f"input '{name}' must be ModelRef, DatasetRef or ArtifactRef, got {marker!r}")
    return InputDeclaration(name, marker, repeated, optional, text, kinds)


def _kinds(annotation: Any) -> frozenset[ArtifactKind]:
    """Return the kinds of artifacts that an annotation names, at any depth."""
    named = frozenset(part for part in get_args(annotation) if isinstance(part, ArtifactKind))
    return named.union(*(_kinds(part) for part in get_args(annotation)))


def _output(name: str, annotation: Any) -> OutputDeclaration:
    marker, text, repeated, _ = unwrap_annotation(annotation)
    if not (isinstance(marker, type) and issubclass(marker, Output)):
        raise TypeError(f"output '{name}' must be an Output marker such as Model, got {marker!r}")
    return OutputDeclaration(name, marker.kind, repeated, text)
