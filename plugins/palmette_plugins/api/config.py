"""Typed configuration of methods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from palmette_plugins.api.errors import FieldViolation, InvalidArgument, nearest_names


class MethodConfig(BaseModel):
    """Base of every method's ``Config``: ranges, defaults and descriptions live on the fields.

    Unknown fields are refused. The seed is not a field: it belongs to the job.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, allow_inf_nan=False)


ConfigT = TypeVar("ConfigT", bound=MethodConfig)


def parse_config(config_type: type[ConfigT], values: Mapping[str, Any]) -> ConfigT:
    """Validate `values`; raise `InvalidArgument` with every violation at once.

    Field paths start with ``config.``.
    """
    try:
        return config_type.model_validate(dict(values))
    except ValidationError as error:
        raise InvalidArgument(_violation(config_type, item) for item in error.errors(include_url=False)) from None


def _violation(config_type: type[MethodConfig], item: Any) -> FieldViolation:
    path = ".".join(["config", *(str(part) for part in item["loc"])])
    if item["type"] == "extra_forbidden":
        if item["loc"] == ("seed",):
            return FieldViolation(path, "the seed belongs to the job, not to its config; set the job's seed")
        known = _field_names(config_type, item["loc"][:-1])
        hint = nearest_names(str(item["loc"][-1]), known) if known else ""
        return FieldViolation(path, f"unknown field{hint}")
    if item["type"] == "missing":
        return FieldViolation(path, "required")
    message = item["msg"].removeprefix("Value error, ")
    return FieldViolation(path, f"{message}, got {item['input']!r}" if item["loc"] else message)


def _field_names(config_type: type[BaseModel], path: tuple[str | int, ...]) -> list[str]:
    """Return the fields of the model at `path` inside a configuration; none where there is no single model."""
    model = config_type
    for part in path:
        field = model.model_fields.get(str(part))
        candidates = (field.annotation, *get_args(field.annotation)) if field is not None else ()
        nested = [kind for kind in candidates if isinstance(kind, type) and issubclass(kind, BaseModel)]
        if len(nested) != 1:
            return []
        model = nested[0]
    return list(model.model_fields)
