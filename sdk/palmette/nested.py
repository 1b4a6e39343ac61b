"""Settings written with dots: ``recipe.epochs`` for ``{"recipe": {"epochs": ...}}``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from palmette.errors import InvalidRequest


def unflatten(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return `values` with every dotted name turned into nested mappings; plain nested ones may be mixed in."""
    nested: dict[str, Any] = {}
    for name, value in values.items():
        *path, last = name.split(".")
        place = nested
        for part in path:
            place = place.setdefault(part, {})
            if not isinstance(place, dict):
                raise InvalidRequest.field(f"config.{name}", f"'{part}' is given as a plain value too")
        if isinstance(value, Mapping) and isinstance(place.get(last), dict):
            place[last].update(unflatten(value))
        else:
            place[last] = unflatten(value) if isinstance(value, Mapping) else value
    return nested


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested mappings as dotted names, as they are written on a command line."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            flat.update(flatten(value, f"{prefix}{name}."))
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def parse_settings(items: Iterable[str], option: str) -> dict[str, Any]:
    """Return the values of ``name=value`` arguments; a value is read as YAML, so numbers and lists are what they look.

    Raises:
        InvalidRequest: One has no ``=``, or its value is no YAML.
    """
    found: dict[str, Any] = {}
    for item in items:
        name, sign, text = item.partition("=")
        if not sign or not name:
            raise InvalidRequest.field(option, f"'{item}' is not NAME=VALUE")
        try:
            found[name] = _number(yaml.safe_load(text)) if text else ""
        except yaml.YAMLError:
            found[name] = text
    return found


def _number(value: Any) -> Any:
    """Read ``1e-3``, which YAML 1.1 takes for text, as the number that it is."""
    if isinstance(value, str):
        try:
            return float(value) if "e" in value.lower() else value
        except ValueError:
            return value
    return value
