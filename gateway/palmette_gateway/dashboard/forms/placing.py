"""Where in a form each problem is shown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from palmette_gateway.dashboard.forms.fields import Field, FieldKind


@dataclass(frozen=True)
class Placed:
    """Problems by the path of the control that they are shown at, and those that belong to none."""

    at_fields: dict[str, str]
    elsewhere: tuple[str, ...]


def place(problems: Mapping[str, str], fields: Iterable[Field], other_paths: Iterable[str]) -> Placed:
    """Assign each problem to its control, or to the nearest one above it: ``config.recipe.milestones.0`` to the list.

    Args:
        problems: What is wrong, by the service's path of the field.
        fields: The fields of the configuration.
        other_paths: Paths of the form's other controls.
    """
    known = {*_paths(fields), *other_paths}
    at_fields: dict[str, str] = {}
    elsewhere = []
    for path, text in problems.items():
        found = next((candidate for candidate in _upwards(path) if candidate in known), None)
        if found is None:
            elsewhere.append(f"{path}: {text}")
        else:
            at_fields[found] = f"{at_fields[found]}; {text}" if found in at_fields else text
    return Placed(at_fields, tuple(elsewhere))


def _upwards(path: str) -> Iterator[str]:
    path = re.sub(r"\[([^\]]*)\]", r".\1", path).removeprefix("job.")
    while path:
        yield path
        path = path.rpartition(".")[0]


def _paths(fields: Iterable[Field]) -> Iterator[str]:
    for field in fields:
        yield field.path
        if field.kind is FieldKind.GROUP:
            yield from _paths(field.fields)
        for parts in field.variants.values():
            yield from _paths(parts)
