"""``${...}`` in a pipeline: where it stands and what it becomes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Reference = tuple[str, ...]
_REFERENCE = re.compile(r"\$\{\s*([A-Za-z0-9_.-]+)\s*\}")


def references_of(value: Any) -> Iterator[Reference]:
    """Yield every reference in a nested value, as its parts: ``("steps", "dense", "outputs", "model")``."""
    if isinstance(value, str):
        for match in _REFERENCE.finditer(value):
            yield tuple(match[1].split("."))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from references_of(item)
    elif isinstance(value, list):
        for item in value:
            yield from references_of(item)


def substitute(value: Any, resolve: Callable[[Reference], Any]) -> Any:
    """Return a nested value with every reference replaced; one that stands alone keeps the type of its value."""
    if isinstance(value, str):
        whole = _REFERENCE.fullmatch(value)
        if whole:
            return resolve(tuple(whole[1].split(".")))
        return _REFERENCE.sub(lambda match: str(resolve(tuple(match[1].split(".")))), value)
    if isinstance(value, Mapping):
        return {key: substitute(item, resolve) for key, item in value.items()}
    if isinstance(value, list):
        return [substitute(item, resolve) for item in value]
    return value
