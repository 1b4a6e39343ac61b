"""A question as the page's address carries it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from palmette_gateway.dashboard.asking.panel import Panel
from palmette_gateway.dashboard.forms.fields import Field
from palmette_gateway.dashboard.forms.reading import Problems, read_fields

_BITS = {FieldDescriptor.CPPTYPE_INT32: 31, FieldDescriptor.CPPTYPE_INT64: 63}


@dataclass(frozen=True)
class Question:
    """What was filled in.

    Attributes:
        values: By the names of the request's fields.
        problems: What cannot be read, or was left empty and must not be, by the path of the field.
        complete: Everything that is required is there, so it can be asked.
    """

    values: dict[str, Any]
    problems: Problems
    complete: bool


def read_question(panel: Panel, settings: Iterable[Field], query: Mapping[str, str]) -> Question:
    """Read an address. A required field that it does not mention is not asked for yet; an empty one is missing."""
    problems = Problems()
    values = read_fields([*(reference.field for reference in panel.references), *panel.fields], query, problems)
    config = read_fields(settings, query, problems)
    if config:
        values["config"] = config
    _check_sizes(panel.request, values, problems)
    for name in panel.required:
        if name in query and not query[name].strip():
            problems[name] = "required"
    return Question(values, problems, all(name in values for name in panel.required))


def address(panel: Panel, filled: Mapping[str, str] | None = None) -> str:
    """Return the page's address with fields filled in."""
    query = {name: text for name, text in (filled or {}).items() if text}
    return f"/models/{panel.id}" + (f"?{urlencode(query)}" if query else "")


def carried(source: Panel, target: Panel, filled: Mapping[str, str]) -> dict[str, str]:
    """Return what to fill in at another panel: its references that have the same type, in their order."""
    given = [(reference.type, filled.get(reference.name, "").strip()) for reference in source.references]
    found = {}
    for reference in target.references:
        match = next((item for item in given if item[0] is reference.type and item[1]), None)
        if match:
            given.remove(match)
            found[reference.name] = match[1]
    return found


def _check_sizes(request: type[Message], values: dict[str, Any], problems: Problems) -> None:
    """Numbers that the wire cannot carry are refused here; all others are for the service to judge."""
    for name, value in list(values.items()):
        bits = _BITS.get(request.DESCRIPTOR.fields_by_name[name].cpp_type)
        if bits and not -(2**bits) <= value < 2**bits:
            problems[name] = f"must lie between -{2**bits:,} and {2**bits - 1:,}"
            del values[name]
