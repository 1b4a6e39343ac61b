"""What a request to deploy means."""

from __future__ import annotations

import re
from collections.abc import Iterator

from palmette_plugins.api.artifacts import ArtifactStore, Manifest
from palmette_plugins.api.errors import FieldViolation, InvalidArgument, NotFound
from palmette_plugins.api.kinds import ArtifactKind
from palmette_protos.serving.v1 import deployment_pb2
from palmette_services.serving.artifacts.names import parse_artifact_name
from palmette_services.serving.deployments.store import NewVersion

_ID = re.compile(r"[a-z][a-z0-9-]{0,62}")
_DEPLOYABLE = (ArtifactKind.MODEL, ArtifactKind.SERVABLE)
_RUNTIMES = {"onnx": deployment_pb2.RUNTIME_ONNX, "torch": deployment_pb2.RUNTIME_TORCH}
_DEFAULT_ATOL, _DEFAULT_RTOL = 1e-4, 1e-3
_LARGEST_BATCH, _MOST_INSTANCES, _LONGEST_DELAY_US = 4096, 64, 10_000_000


def parse_deployment_name(text: str) -> str:
    """Return the id in ``deployments/{id}``; raise `InvalidArgument` otherwise."""
    prefix, _, identifier = text.partition("/")
    if prefix != "deployments" or not _ID.fullmatch(identifier):
        raise InvalidArgument.field("name", f"'{text}' is not a deployment name: deployments/<id>")
    return identifier


def parse_creation(request: deployment_pb2.CreateDeploymentRequest, store: ArtifactStore) -> NewVersion:
    """Check a request and find its artifact. Blocks.

    Raises:
        InvalidArgument: With everything that is wrong, an unknown artifact included.
        NotFound: Nothing is wrong but that there is no such artifact.
        DataLoss: The artifact's manifest is corrupted.
    """
    violations = [*_id_violations(request.deployment_id), *_number_violations(request)]
    identifier, kind = "", ArtifactKind.MODEL
    try:
        identifier = store.resolve(parse_artifact_name(request.artifact, "artifact"))
        manifest = store.manifest(identifier)
        kind = manifest.kind
        violations += _artifact_violations(request, manifest)
    except InvalidArgument as error:
        violations += error.violations
    except NotFound as error:
        if not violations:
            raise
        violations.append(FieldViolation("artifact", str(error)))
    if violations:
        raise InvalidArgument(violations)
    return NewVersion(
        deployment_id=request.deployment_id,
        artifact=identifier,
        servable=identifier if kind is ArtifactKind.SERVABLE else "",
        runtime=request.runtime,
        atol=request.atol or _DEFAULT_ATOL,
        rtol=request.rtol or _DEFAULT_RTOL,
        settings=request.settings if request.HasField("settings") else None,
    )


def _artifact_violations(
    request: deployment_pb2.CreateDeploymentRequest, manifest: Manifest
) -> Iterator[FieldViolation]:
    if manifest.kind not in _DEPLOYABLE:
        yield FieldViolation("artifact", f"is a {manifest.kind.value}; a model or a servable can be deployed")
    exported = manifest.spec.runtime if manifest.kind is ArtifactKind.SERVABLE and manifest.spec else ""
    if exported and request.runtime not in (deployment_pb2.RUNTIME_UNSPECIFIED, _RUNTIMES[exported]):
        yield FieldViolation("runtime", f"the servable was exported for {exported}; deploy the model that it is of")


def _id_violations(identifier: str) -> Iterator[FieldViolation]:
    if not _ID.fullmatch(identifier):
        yield FieldViolation(
            "deployment_id",
            f"'{identifier}' takes lower-case letters, digits and hyphens, at most 63, starting with a letter",
        )


def _number_violations(request: deployment_pb2.CreateDeploymentRequest) -> Iterator[FieldViolation]:
    ranges = (
        ("settings.max_batch_size", request.settings.max_batch_size, _LARGEST_BATCH),
        ("settings.instances", request.settings.instances, _MOST_INSTANCES),
        ("settings.max_queue_delay_us", request.settings.max_queue_delay_us, _LONGEST_DELAY_US),
    )
    for field, value, largest in ranges:
        if not 0 <= value <= largest:
            yield FieldViolation(field, f"{value} is not between 0 and {largest}")
    for field, tolerance in (("atol", request.atol), ("rtol", request.rtol)):
        if not 0 <= tolerance < float("inf"):
            yield FieldViolation(field, f"{tolerance} is not a finite number from 0 up")
    if request.runtime not in deployment_pb2.Runtime.values():
        yield FieldViolation("runtime", f"{request.runtime} is not a runtime")
