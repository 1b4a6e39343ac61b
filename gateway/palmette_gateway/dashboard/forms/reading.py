"""What people filled in, as values."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from palmette_gateway.dashboard.forms.fields import UNSET, Field, FieldKind


class Problems(dict[str, str]):
    """What is wrong, by the path of the field."""


def read_fields(fields: Iterable[Field], form: Mapping[str, str], problems: Problems) -> dict[str, Any]:
    """Return the values that differ from the defaults, nested as the schema nests them.

    What cannot be read is left out and named in `problems`; whether a value is allowed is for the service to say.
    """
    values: dict[str, Any] = {}
    for field in fields:
        value = _read(field, form, problems)
        if value is not UNSET:
            values[field.name] = value
    return values


def _read(field: Field, form: Mapping[str, str], problems: Problems) -> Any:
    if field.kind is FieldKind.GROUP:
        return read_fields(field.fields, form, problems) or UNSET
    if field.kind is FieldKind.VARIANTS:
        return _read_variant(field, form, problems)
    text = form.get(field.path, "").strip()
    if not text:
        return UNSET
    try:
        value = _convert(text, field)
    except ValueError as error:
        problems[field.path] = str(error)
        return UNSET
    return UNSET if _same(value, field.default) else value


def _read_variant(field: Field, form: Mapping[str, str], problems: Problems) -> Any:
    default = "" if field.default is UNSET else str(field.default)
    chosen = form.get(field.path, "") or default
    if chosen not in field.variants:
        return UNSET
    values = read_fields(field.variants[chosen], form, problems)
    if not values and chosen == default:
        return UNSET
    return {field.discriminator: chosen, **values}


def _convert(text: str, field: Field) -> Any:
    match field.kind:
        case FieldKind.CHOICE:
            return _choice(text, field)
        case FieldKind.LIST:
            return [_scalar(item, field.item) for item in _items(text)]
        case FieldKind.JSON:
            return _json(text)
        case FieldKind.TEXT if field.item is FieldKind.JSON:
            return _json_or_text(text)
        case _:
            return _scalar(text, field.kind)


def _choice(text: str, field: Field) -> Any:
    for choice in field.choices:
        if str(choice) == text:
            return choice
    raise ValueError(f"'{text}' is not one of {', '.join(map(str, field.choices))}")


def _scalar(text: str, kind: FieldKind) -> Any:
    match kind:
        case FieldKind.INTEGER:
            try:
                return int(text.replace("_", ""))
            except ValueError:
                raise ValueError(f"'{text}' is not a whole number") from None
        case FieldKind.NUMBER:
            try:
                number = float(text.replace("_", ""))
            except ValueError:
                raise ValueError(f"'{text}' is not a number; write 0.1 or 1e-4") from None
            if not math.isfinite(number):
                raise ValueError(f"'{text}' is not a finite number")
            return number
        case FieldKind.BOOLEAN:
            return text == "true"
        case _:
            return text


def _items(text: str) -> Sequence[str]:
    return [item.strip() for item in text.strip("[]").replace("\n", ",").split(",") if item.strip()]


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        example = '{"a": 1} or [1, 2]'
        raise ValueError(f"is not JSON (line {error.lineno}: {error.msg}); write it like {example}") from None


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _same(value: Any, default: Any) -> bool:
    return isinstance(value, bool) == isinstance(default, bool) and bool(value == default)
