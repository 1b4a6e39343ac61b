"""Checking a job before it is accepted: everything wrong with it, at once.

Runs where torch is loaded (the service's inspector process, or `run_method`), never in a service process.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from palmette_plugins.api import entry_points
from palmette_plugins.api.artifacts import ArtifactStore, StoredArtifact
from palmette_plugins.api.config import parse_config
from palmette_plugins.api.errors import FieldViolation, InvalidArgument, PalmetteError, nearest_names
from palmette_plugins.api.job_spec import JobSpec
from palmette_plugins.api.method import InputDeclaration, Method, input_declarations
from palmette_plugins.api.references import ArtifactRef, DatasetRef, ModelRef, Reference
from palmette_plugins.api.resolve import describe_dataset

if TYPE_CHECKING:
    from palmette_plugins.api.architecture import LoadedModel
    from palmette_plugins.api.data import DataInfo


class Submission:
    """A job about to be accepted, as `Method.check` sees it. Models are built without data and cached."""

    def __init__(self, spec: JobSpec, method: type[Method]) -> None:
        self.spec = spec
        self.method = method
        self._data: dict[tuple[str, int], DataInfo] = {}
        self._models: dict[tuple[str, int], LoadedModel] = {}

    @cached_property
    def config(self) -> Any:
        """The validated configuration."""
        return parse_config(self.method.Config, self.spec.config)

    @cached_property
    def store(self) -> ArtifactStore | None:
        """The artifact store, if there is one."""
        return ArtifactStore(self.spec.artifact_store_url) if self.spec.artifact_store_url else None

    def artifact(self, name: str, index: int = 0) -> StoredArtifact:
        """Return an artifact input; raise `InvalidArgument` if there is none such or it holds something else."""
        declaration = next(d for d in input_declarations(self.method) if d.name == name)
        return _artifact(self, declaration, self.spec.inputs[name][index])

    def given(self, name: str) -> bool:
        """Tell whether the input was given."""
        return bool(self.spec.inputs.get(name))

    def data(self, name: str, index: int = 0) -> DataInfo:
        """Return what is known of a dataset input."""
        key = (name, index)
        if key not in self._data:
            self._data[key] = describe_dataset(self.spec.inputs[name][index], f"inputs.{name}", self.store)
        return self._data[key]

    def model(self, name: str, index: int = 0) -> LoadedModel:
        """Return a model input: its spec and its module, whose weights may be on the ``meta`` device."""
        from palmette_plugins.architectures.loading import inspect_model_reference

        key = (name, index)
        if key not in self._models:
            text = self.spec.inputs[name][index]
            self._models[key] = inspect_model_reference(text, f"inputs.{name}", self.main_data(), self.store)
        return self._models[key]

    def main_data(self) -> DataInfo | None:
        """Return the first dataset input that was given, which models must fit; None without one."""
        for declaration in input_declarations(self.method):
            if declaration.marker is DatasetRef and self.given(declaration.name):
                return self.data(declaration.name)
        return None


def check_submission(spec: JobSpec) -> None:
    """Check a job; raise `InvalidArgument` with every violation, or `NotFound`/`FailedPrecondition` for its plugin."""
    method = cast("type[Method]", entry_points.load(entry_points.methods_group(spec.service), spec.plugin, "plugin"))
    submission = Submission(spec, method)
    violations = submission_violations(submission)
    if violations:
        raise InvalidArgument(violations)


def submission_violations(submission: Submission) -> list[FieldViolation]:
    """Return everything that is wrong with a submission, each once."""
    declarations = input_declarations(submission.method)
    found = [*_caught(lambda: submission.config), *_shape_violations(submission.spec.inputs, declarations)]
    # Data first: models are checked against it.
    for declaration in sorted(declarations, key=lambda d: d.marker is not DatasetRef):
        found += _input_violations(submission, declaration)
    if not found:
        found += _task_violations(submission, declarations)
    if not found:
        found += _caught(lambda: list(submission.method(submission.config).check(submission)))
    return list(dict.fromkeys(found))


def _caught(action: Any) -> list[FieldViolation]:
    """Return the violations that `action` raises or returns."""
    try:
        result = action()
    except InvalidArgument as error:
        return list(error.violations)
    except PalmetteError as error:
        return [FieldViolation("job", str(error))]
    return result if isinstance(result, list) else []


def _shape_violations(
    inputs: Mapping[str, list[str]], declarations: tuple[InputDeclaration, ...]
) -> list[FieldViolation]:
    known = [declaration.name for declaration in declarations]
    found = [
        FieldViolation(f"inputs.{name}", f"unknown input{nearest_names(name, known)}")
        for name in inputs
        if name not in known
    ]
    for declaration in declarations:
        count = len(inputs.get(declaration.name, []))
        if count == 0 and not declaration.optional:
            what = "at least one reference" if declaration.repeated else "a reference"
            found.append(FieldViolation(f"inputs.{declaration.name}", f"required: {what}"))
        if count > 1 and not declaration.repeated:
            found.append(FieldViolation(f"inputs.{declaration.name}", f"takes one reference, got {count}"))
    return found


def _input_violations(submission: Submission, declaration: InputDeclaration) -> list[FieldViolation]:
    found: list[FieldViolation] = []
    for index, text in enumerate(submission.spec.inputs.get(declaration.name, [])):
        wrong: list[FieldViolation] = []
        if text.startswith("artifact:") or declaration.marker is ArtifactRef:
            wrong = _caught(lambda t=text: _artifact(submission, declaration, t))
        if not wrong and declaration.marker is DatasetRef:
            wrong = _caught(lambda i=index: submission.data(declaration.name, i))
        elif not wrong and declaration.marker is ModelRef:
            wrong = _caught(lambda i=index: submission.model(declaration.name, i))
        found += wrong
    return found


def _artifact(submission: Submission, declaration: InputDeclaration, text: str) -> StoredArtifact:
    """Return the artifact that an input names, if it is of a kind that the input takes."""
    field = f"inputs.{declaration.name}"
    reference = Reference.parse(text, field)
    if reference.scheme != "artifact":
        raise InvalidArgument.field(field, f"'{text}' is no artifact; write artifact:<id>")
    if submission.store is None:
        raise InvalidArgument.field(field, f"'{text}' is an artifact, but no artifact store is set")
    try:
        artifact = submission.store.get(reference.target)
    except PalmetteError as error:
        raise InvalidArgument.field(field, str(error)) from None
    if artifact.manifest.kind not in declaration.kinds:
        wanted = " or ".join(sorted(kind.value for kind in declaration.kinds))
        held = artifact.manifest.kind.value
        raise InvalidArgument.field(field, f"'{text}' is a {held} artifact, not a {wanted}")
    return artifact


def _task_violations(submission: Submission, declarations: tuple[InputDeclaration, ...]) -> list[FieldViolation]:
    supported = submission.method.tasks
    if not supported:
        return []
    found = []
    for declaration in declarations:
        if declaration.marker is not DatasetRef:
            continue
        for index in range(len(submission.spec.inputs.get(declaration.name, []))):
            task = submission.data(declaration.name, index).task
            if task not in supported:
                found.append(
                    FieldViolation(
                        f"inputs.{declaration.name}",
                        f"is a {task} dataset; {submission.spec.plugin} supports {', '.join(sorted(supported))}",
                    )
                )
    return found
