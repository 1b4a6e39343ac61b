"""What to send to run a method: pure functions from what the caller wrote to the request."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from palmette.errors import FieldViolation, InvalidRequest, NotFound
from palmette.types import Artifact, ArtifactName, Plugin, Resources
from palmette.wire.scalars import struct_of
from palmette_protos.v1 import job_pb2, reference_pb2

# What an input may be given as: a reference, an artifact or its name; a sequence of these for a list input.
InputValue = str | Artifact | Sequence["str | Artifact"]


def choose_plugin(name: str, plugins: Iterable[Plugin], unreachable: Mapping[str, str]) -> Plugin:
    """Return the plugin called `name` (``plugin`` or ``service/plugin``).

    Raises:
        NotFound: There is none; the message has the nearest names and the services that did not answer.
        InvalidRequest: Several services have one of that name.
    """
    known = list(plugins)
    found = [plugin for plugin in known if name in _names(plugin)]
    if len(found) == 1:
        return found[0]
    if found:
        which = " or ".join(f"'{plugin.service}/{plugin.id}'" for plugin in found)
        raise InvalidRequest.field("plugin", f"'{name}' is in several services; write {which}")
    near = nearest_names(name, known)
    hint = f"; did you mean {' or '.join(repr(n) for n in near)}?" if near else "; `palmette plugins list` shows them"
    away = "".join(f"; {service} could not be asked ({why})" for service, why in unreachable.items())
    raise NotFound(f"no plugin named '{name}'{hint}{away}")


def is_known(name: str, plugins: Iterable[Plugin]) -> bool:
    """Tell whether a plugin goes by `name`."""
    return any(name in _names(plugin) for plugin in plugins)


def nearest_names(name: str, plugins: Iterable[Plugin]) -> list[str]:
    """Return the names most like `name`: with the service if `name` has it, without otherwise."""
    which = 1 if "/" in name else 0
    return difflib.get_close_matches(name, [_names(plugin)[which] for plugin in plugins], n=3, cutoff=0.6)


def _names(plugin: Plugin) -> tuple[str, str, str]:
    return plugin.id, f"{plugin.service}/{plugin.id}", plugin.name


def split_values(
    plugin: Plugin, values: Mapping[str, Any], inputs: Mapping[str, Any] | None, config: Mapping[str, Any] | None
) -> tuple[dict[str, list[str]], dict[str, Any]]:
    """Return (references by input name, configuration): `values` are told apart by the plugin's declaration.

    Raises:
        InvalidRequest: A value is given twice, or an input is no reference.
    """
    declared = {item.name for item in plugin.inputs}
    all_inputs: dict[str, Any] = dict(inputs or {})
    all_config: dict[str, Any] = dict(config or {})
    violations = []
    for name, value in values.items():
        target = all_inputs if name in declared else all_config
        if name in target:
            violations.append(FieldViolation(name, "is given twice"))
        target[name] = value
    references = {}
    for name, value in all_inputs.items():
        if value is None:
            continue
        try:
            references[name] = _references(value)
        except TypeError as error:
            violations.append(FieldViolation(f"inputs.{name}", str(error)))
    if violations:
        raise InvalidRequest.of(violations)
    return references, all_config


def _references(value: InputValue) -> list[str]:
    if isinstance(value, (str, Artifact)):
        return [_reference(value)]
    if isinstance(value, Sequence):
        return [_reference(item) for item in value]
    raise TypeError(
        "takes a reference such as 'zoo:resnet20', an artifact, or a list of these, "
        f"not {type(value).__name__}; a job's result is job.outputs[...]"
    )


def _reference(value: object) -> str:
    if isinstance(value, Artifact):
        return value.reference
    if isinstance(value, str):
        return ArtifactName.parse(value).reference if value.startswith("artifacts/") else str(value)
    raise TypeError(f"holds a {type(value).__name__}, which is no reference")


def submit_request(
    plugin: Plugin,
    references: Mapping[str, Sequence[str]],
    config: Mapping[str, Any],
    *,
    request_id: str,
    seed: int | None = None,
    labels: Mapping[str, str] | None = None,
    priority: int = 0,
    resources: Resources | None = None,
    parent: str = "",
    validate_only: bool = False,
) -> job_pb2.SubmitJobRequest:
    """Return the request that runs `plugin`."""
    wanted = resources or Resources()
    job = job_pb2.Job(
        plugin=plugin.id,
        inputs={name: reference_pb2.InputReferences(references=list(items)) for name, items in references.items()},
        config=struct_of(config, "config"),
        labels=dict(labels or {}),
        priority=priority,
        resources=job_pb2.Resources(
            gpus=wanted.gpus, cpu=wanted.cpu, memory_bytes=wanted.memory_bytes, nodes=wanted.nodes
        ),
        parent=parent,
        seed=seed,
    )
    return job_pb2.SubmitJobRequest(
        parent=f"services/{plugin.service}", job=job, request_id=request_id, validate_only=validate_only
    )
