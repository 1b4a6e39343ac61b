"""What goes between a service and its inspector: one JSON document a line."""

from __future__ import annotations

from typing import Any

import orjson

from palmette_plugins.api import errors

_ERRORS: dict[str, type[errors.PalmetteError]] = {
    kind.__name__: kind
    for kind in (
        errors.NotFound,
        errors.FailedPrecondition,
        errors.AlreadyExists,
        errors.ResourceExhausted,
        errors.DataLoss,
        errors.Unavailable,
    )
}


def encode(document: dict[str, Any]) -> bytes:
    """Return the document as a line."""
    return orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS) + b"\n"


def encode_error(error: errors.PalmetteError) -> dict[str, Any]:
    """Return an error as a document."""
    if isinstance(error, errors.InvalidArgument):
        return {"violations": [[violation.field, violation.description] for violation in error.violations]}
    known = next((kind.__name__ for kind in type(error).__mro__ if kind.__name__ in _ERRORS), "FailedPrecondition")
    return {"error": known, "message": str(error)}


def raise_error(document: dict[str, Any]) -> None:
    """Raise the error that a document holds; return if it holds none."""
    if "violations" in document:
        raise errors.InvalidArgument(errors.FieldViolation(*pair) for pair in document["violations"])
    if "error" in document:
        raise _ERRORS[document["error"]](document["message"])
