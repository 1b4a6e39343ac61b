"""What a form consists of."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final


class FieldKind(StrEnum):
    """How a value is filled in."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    CHOICE = "choice"
    LIST = "list"
    JSON = "json"
    GROUP = "group"
    VARIANTS = "variants"


class _Unset:
    def __repr__(self) -> str:
        return "UNSET"

    def __bool__(self) -> bool:
        return False


UNSET: Final = _Unset()
"""The default of a field that has none."""


@dataclass(frozen=True)
class Field:
    """One field, or a group of them.

    Attributes:
        path: Where the value belongs, such as ``config.recipe.epochs``; also the name of the form's control.
        kind: How it is filled in.
        description: One sentence for people.
        limits: What is allowed, as text such as ``0 < value <= 1``.
        default: Value when nothing is filled in; `UNSET` where the schema has none.
        required: It must be filled in.
        nullable: Leaving it empty means none.
        choices: Values of a CHOICE, in order.
        item: Kind of a LIST's items.
        fields: Fields of a GROUP.
        variants: Fields by the discriminator's value, of VARIANTS.
        discriminator: Name of the property that tells the variants apart.
    """

    path: str
    kind: FieldKind
    description: str = ""
    limits: str = ""
    default: Any = UNSET
    required: bool = False
    nullable: bool = False
    choices: tuple[Any, ...] = ()
    item: FieldKind = FieldKind.TEXT
    fields: tuple[Field, ...] = ()
    variants: dict[str, tuple[Field, ...]] = field(default_factory=dict)
    discriminator: str = ""

    @property
    def name(self) -> str:
        """Last part of the path."""
        return self.path.rpartition(".")[2]

    @property
    def id(self) -> str:
        """Id of the control in the page."""
        return "field-" + self.path.replace(".", "-")

    @property
    def default_text(self) -> str:
        """The default as a person would fill it in."""
        return as_text(self.default, self.kind)

    def but(self, **changes: Any) -> Field:
        """Return a copy with changes."""
        return replace(self, **changes)


def as_text(value: Any, kind: FieldKind) -> str:
    """Write a value as a person would fill it in."""
    if value is UNSET or value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if kind is FieldKind.LIST and isinstance(value, (list, tuple)):
        return ", ".join(str(item) for item in value)
    if kind is FieldKind.JSON or isinstance(value, (dict, list)):
        return json.dumps(value) if value else ""
    return repr(value) if isinstance(value, float) else str(value)
