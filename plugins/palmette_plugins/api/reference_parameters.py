"""Typed parameters of references: ``fashion-mnist?limit=10000`` gives ``limit: int``."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from palmette_plugins.api.errors import FieldViolation, InvalidArgument, nearest_names
from palmette_plugins.api.references import Reference


class ReferenceParameters(BaseModel):
    """Base of the parameters of one kind of reference; values arrive as text and are converted."""

    model_config = ConfigDict(extra="forbid", frozen=True)


ParametersT = TypeVar("ParametersT", bound=ReferenceParameters)


def parse_parameters(kind: type[ParametersT], reference: Reference, field: str = "reference") -> ParametersT:
    """Return the parameters of a reference; raise `InvalidArgument` for `field` with everything that is wrong."""
    try:
        return kind.model_validate(reference.parameters)
    except ValidationError as error:
        raise InvalidArgument(
            FieldViolation(field, _description(kind, reference, item)) for item in error.errors(include_url=False)
        ) from None


def as_text(parameters: ReferenceParameters) -> dict[str, str]:
    """Return parameters as a reference writes them; those that are None are left out."""
    dumped = parameters.model_dump(mode="json")
    return {name: _written(value) for name, value in dumped.items() if value is not None}


def _written(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return ",".join(str(item) for item in value)
    return str(value)


def _description(kind: type[ReferenceParameters], reference: Reference, item: object) -> str:
    details: dict[str, object] = dict(item)  # type: ignore[call-overload]
    name = str(details["loc"][0]) if details["loc"] else ""  # type: ignore[index]
    head = f"{reference.scheme}:{reference.target}" if reference.target else reference.scheme
    if details["type"] == "extra_forbidden":
        return f"'{head}' has no parameter '{name}'{nearest_names(name, list(kind.model_fields))}"
    message = str(details["msg"]).removeprefix("Value error, ")
    if not name:
        return f"'{head}': {message}"
    given = reference.parameters.get(name)
    if details["type"] == "missing":
        return f"'{head}' needs the parameter '{name}'"
    return f"parameter '{name}' of '{head}': {message}" + (f", got '{given}'" if given is not None else "")
