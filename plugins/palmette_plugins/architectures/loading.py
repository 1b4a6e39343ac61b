"""Loading models by reference."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from palmette_plugins.api import entry_points
from palmette_plugins.api.architecture import ArchitectureProvider, LoadedModel
from palmette_plugins.api.artifacts import ArtifactStore, Manifest, StoredArtifact
from palmette_plugins.api.data import DataInfo
from palmette_plugins.api.errors import FieldViolation, InvalidArgument, NotFound, PalmetteError
from palmette_plugins.api.kinds import ArtifactKind
from palmette_plugins.api.references import Reference
from palmette_plugins.api.resolve import architecture_provider
from palmette_plugins.api.spec import ModelSpec
from palmette_plugins.architectures import weights_file
from palmette_plugins.architectures.building import build
from palmette_plugins.architectures.fit import io_violations, size_violations, task_violations
from palmette_plugins.architectures.structure import structure_of
from palmette_plugins.engines.seeding import seeded_draws

__all__ = ["ASSETS", "assets_of", "build", "inspect_model_reference", "load_model_reference"]

ASSETS = "assets/"  # the folder of an artifact that holds what travels with the model
_MODEL_KINDS = (ArtifactKind.MODEL, ArtifactKind.SUPERNET)


def load_model_reference(
    text: str, field: str, data: DataInfo | None, store: ArtifactStore | None, *, seed: int
) -> LoadedModel:
    """Load a model: a new one initialised from `seed`, a pretrained one, or an artifact with its weights.

    torch's global random state is left as it was.

    Args:
        text: A reference: ``zoo:``, ``timm:``, ``hf:``, ``artifact:<id>``.
        field: The field that errors name.
        data: What the model must fit; it also decides parameters that the reference leaves out.
        store: Where artifacts are.
        seed: Seed of the initialisation.

    Raises:
        InvalidArgument: With everything that is wrong; field `field`.
    """
    with _errors_name(field):
        reference = Reference.parse(text, field)
        if reference.scheme == "artifact":
            return _load_artifact(reference, text, field, data, store)
        completed = _completed(reference, text, field, data)
        provider = architecture_provider(completed)
        with seeded_draws(seed, "initialisation"):
            module = provider.build(completed)
        return LoadedModel(
            module,
            _spec(completed, data),
            text,
            pretrained=provider.pretrained(completed),
            assets=provider.assets(completed),
        )


def inspect_model_reference(text: str, field: str, data: DataInfo | None, store: ArtifactStore | None) -> LoadedModel:
    """Return a model's spec and structure without its weights, to check a submission in milliseconds.

    The module is on the ``meta`` device where the architecture can be built there; it is shared between calls and
    must not be changed.

    Raises:
        InvalidArgument: With everything that is wrong; field `field`.
    """
    with _errors_name(field):
        reference = Reference.parse(text, field)
        if reference.scheme == "artifact":
            identifier, manifest = _manifest(reference, field, store)
            spec = _checked_spec(manifest, text, field, data)
            module = structure_of(spec)
            _refuse(size_violations(module, data, field, text) if data is not None else [])
            return LoadedModel(module, spec, text, artifact=identifier, pretrained=True)
        completed = _completed(reference, text, field, data)
        provider = architecture_provider(completed)
        spec = _spec(completed, data)
        module = structure_of(spec)
        _refuse(size_violations(module, data, field, text) if data is not None else [])
        return LoadedModel(module, spec, text, pretrained=provider.pretrained(completed))


def _load_artifact(
    reference: Reference, text: str, field: str, data: DataInfo | None, store: ArtifactStore | None
) -> LoadedModel:
    identifier, manifest = _manifest(reference, field, store)
    spec = _checked_spec(manifest, text, field, data)
    assert store is not None
    with seeded_draws(0, "rebuilding"):  # every weight is overwritten; the global random state must not move
        module = build(spec)
    weights_file.load_weights(module, store.local_path(identifier, weights_file.FILE_NAME))
    assets = assets_of(store.get(identifier))
    return LoadedModel(module, spec, text, artifact=identifier, pretrained=True, assets=assets)


def assets_of(artifact: StoredArtifact) -> dict[str, bytes]:
    """Return the files that travel with a saved model, by name."""
    paths = [file.path for file in artifact.manifest.files if file.path.startswith(ASSETS)]
    return {path.removeprefix(ASSETS): artifact.file(path).read_bytes() for path in paths}


def _manifest(reference: Reference, field: str, store: ArtifactStore | None) -> tuple[str, Manifest]:
    if store is None:
        raise InvalidArgument.field(field, f"'{reference}' is an artifact, but no artifact store is set")
    if reference.parameters:
        raise InvalidArgument.field(field, f"'{reference}': an artifact takes no parameters")
    identifier = store.resolve(reference.target)
    return identifier, store.manifest(identifier)


def _checked_spec(manifest: Manifest, text: str, field: str, data: DataInfo | None) -> ModelSpec:
    if manifest.kind not in _MODEL_KINDS or manifest.spec is None:
        raise InvalidArgument.field(field, f"'{text}' is a {manifest.kind.value} artifact, not a model")
    if data is not None:
        _refuse(io_violations(manifest.spec, data, field, text))
    return manifest.spec


def _completed(reference: Reference, text: str, field: str, data: DataInfo | None) -> Reference:
    provider = _provider(reference)
    if data is not None:
        _refuse(task_violations(provider.tasks(reference), data, field, text))
    return provider.complete(reference, data)


def _provider(reference: Reference) -> ArchitectureProvider:
    """Return the reference's provider; for an unknown scheme, say which scheme has a model of that name."""
    schemes = list(entry_points.installed(entry_points.ARCHITECTURES))
    if reference.scheme in schemes:
        return architecture_provider(reference)
    for scheme in schemes:
        if reference.scheme in architecture_provider(Reference(scheme)).names():
            raise NotFound(f"'{reference}' has no scheme; did you mean '{scheme}:{reference}'?")
    raise NotFound.named("model scheme", reference.scheme, [*schemes, "artifact"])


def _spec(completed: Reference, data: DataInfo | None) -> ModelSpec:
    provider = architecture_provider(completed)
    tasks = provider.tasks(completed)
    task = data.task if data is not None else next(iter(tasks)) if len(tasks) == 1 else ""
    return ModelSpec(architecture=str(provider.structure(completed)), task=task, io=provider.io(completed))


def _refuse(violations: list[FieldViolation]) -> None:
    if violations:
        raise InvalidArgument(violations)


@contextmanager
def _errors_name(field: str) -> Iterator[None]:
    """Turn every error with a cause that a person can act on into a violation of `field`."""
    try:
        yield
    except InvalidArgument as error:
        raise InvalidArgument(FieldViolation(field, violation.description) for violation in error.violations) from None
    except PalmetteError as error:
        raise InvalidArgument.field(field, str(error)) from None
