"""Values to fill a form with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from palmette.types import JobInfo, Plugin
from palmette_gateway.dashboard.forms.fields import Field, FieldKind, as_text
from palmette_gateway.dashboard.forms.schema import fields_of


def fill_from(job: JobInfo, plugin: Plugin) -> dict[str, str]:
    """Return the form that submits a job again, by the names of its controls."""
    values = {f"inputs.{name}": "\n".join(references) for name, references in job.inputs.items()}
    values |= fill_fields(fields_of(plugin.config_schema), job.config)
    values["labels"] = ", ".join(f"{key}={value}" for key, value in sorted(job.labels.items()))
    values["priority"] = str(job.priority or "")
    values["seed"] = str(job.seed) if job.seed is not None else ""
    for name, amount in (("gpus", job.resources.gpus), ("cpu", job.resources.cpu), ("nodes", job.resources.nodes)):
        values[f"resources.{name}"] = f"{amount:g}" if amount else ""
    if job.resources.memory_bytes:
        values["resources.memory_gb"] = f"{job.resources.memory_bytes / 1e9:g}"
    return values


def fill_fields(fields: Iterable[Field], values: Mapping[str, Any]) -> dict[str, str]:
    """Return what to fill in for `values`; what equals the default stays empty."""
    filled: dict[str, str] = {}
    for field in fields:
        value = values.get(field.name)
        if value is None or value == field.default:
            continue
        if field.kind is FieldKind.GROUP and isinstance(value, Mapping):
            filled |= fill_fields(field.fields, value)
        elif field.kind is FieldKind.VARIANTS and isinstance(value, Mapping):
            chosen = str(value.get(field.discriminator, ""))
            filled[field.path] = chosen
            filled |= fill_fields(field.variants.get(chosen, ()), value)
        else:
            filled[field.path] = as_text(value, field.kind)
    return filled
