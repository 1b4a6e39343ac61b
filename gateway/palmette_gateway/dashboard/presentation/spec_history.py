"""A model spec as the story of how the model came to its structure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

_MOST_NAMES = 6


@dataclass(frozen=True)
class Chapter:
    """One step: what was done, to what, with which settings; `parts` are the members of a composed model."""

    title: str
    subject: str = ""
    settings: tuple[tuple[str, str], ...] = ()
    parts: Mapping[str, tuple[Chapter, ...]] = field(default_factory=dict)


def history(spec: Mapping[str, Any]) -> tuple[Chapter, ...]:
    """Return the chapters, the architecture first; empty for an artifact without a spec."""
    architecture = str(spec.get("architecture", ""))
    if not architecture:
        return ()
    reference, _, query = architecture.partition("?")
    parts = {
        str(name): history(part)
        for name, part in sorted((spec.get("parts") or {}).items())
        if isinstance(part, Mapping)
    }
    chapters = [Chapter("Architecture", reference, tuple(parse_qsl(query)), parts)]
    for edit in spec.get("edits") or ():
        settings = tuple((key, _phrase(value)) for key, value in (edit.get("arguments") or {}).items())
        chapters.append(Chapter(str(edit.get("name", "")).replace("_", " ").capitalize(), "", settings))
    return tuple(chapters)


def _phrase(value: Any) -> str:
    """Write an argument in one line: counts instead of long lists."""
    if isinstance(value, Mapping):
        named = ", ".join(f"{key} {_phrase(item)}" for key, item in list(value.items())[:_MOST_NAMES])
        return named if len(value) <= _MOST_NAMES else f"{named} and {len(value) - _MOST_NAMES} more"
    if isinstance(value, list):
        shown = ", ".join(_phrase(item) for item in value[:_MOST_NAMES])
        return shown if len(value) <= _MOST_NAMES else f"{shown} and {len(value) - _MOST_NAMES} more"
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value)
