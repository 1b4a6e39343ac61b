"""A method's configuration as a flat table, from its JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_BOUNDS = (("minimum", ">="), ("exclusiveMinimum", ">"), ("maximum", "<="), ("exclusiveMaximum", "<"))


@dataclass(frozen=True)
class ConfigField:
    """One setting; a setting inside another is named with a dot, such as ``recipe.epochs``."""

    name: str
    type: str
    default: str
    range: str
    description: str


def config_fields(schema: Mapping[str, Any]) -> list[ConfigField]:
    """Return every setting of a configuration's JSON Schema as it was declared, nested ones after their holder.

    The schema travels as a ``google.protobuf.Struct``, which keeps no order; the catalogue writes it down as
    ``propertyOrder``. Without that, plain settings come by name, then nested ones.
    """
    return list(_fields(schema, schema, ""))


def _fields(schema: Mapping[str, Any], root: Mapping[str, Any], prefix: str) -> Iterator[ConfigField]:
    required = schema.get("required", [])
    properties = {name: (each, _resolve(each, root)) for name, each in schema.get("properties", {}).items()}
    declared = {name: position for position, name in enumerate(schema.get("propertyOrder", ()))}

    def order(name: str) -> tuple[int, bool, str]:
        return declared.get(name, len(declared)), "properties" in properties[name][1], name

    for name in sorted(properties, key=order):
        given, resolved = properties[name]
        nested = "properties" in resolved
        yield ConfigField(
            name=prefix + name,
            type=_type(resolved, root),
            default="(required)" if name in required else "" if nested else json.dumps(given.get("default")),
            range=_range(resolved),
            description=given.get("description") or resolved.get("description", ""),
        )
        if nested:
            yield from _fields(resolved, root, f"{prefix}{name}.")


def _resolve(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = schema.get("$ref")
    if reference is None and len(schema.get("allOf", [])) == 1:
        reference = schema["allOf"][0].get("$ref")
    if not reference:
        return schema
    target: Any = root
    for part in str(reference).removeprefix("#/").split("/"):
        target = target[part]
    resolved: Mapping[str, Any] = target
    return resolved


def _type(schema: Mapping[str, Any], root: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"])
    if "const" in schema:
        return str(schema["const"])
    options = schema.get("anyOf") or schema.get("oneOf")
    if options:
        return " | ".join(_type(_resolve(option, root), root) for option in options)
    if schema.get("type") == "array":
        return f"list of {_type(_resolve(schema.get('items', {}), root), root)}"
    return str(schema.get("type", "any"))


def _range(schema: Mapping[str, Any]) -> str:
    bounds = [f"{sign} {schema[key]:g}" for key, sign in _BOUNDS if key in schema]
    if not bounds:  # an optional number has its bounds one level down
        bounds = [
            f"{sign} {option[key]:g}" for option in schema.get("anyOf", ()) for key, sign in _BOUNDS if key in option
        ]
    return ", ".join(bounds)
