"""What a panel of the page Models declares: its form, who answers, and how the answer is shown."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message

from palmette.types import InputType
from palmette_gateway.dashboard.access.caller import Caller
from palmette_gateway.dashboard.asking.answer import Answer
from palmette_gateway.dashboard.forms.fields import Field, FieldKind
from palmette_gateway.dashboard.ports import SuiteApi

PATIENCE_S = 120.0
"""Deadline of a question: it may load models and data, and a service answers none that takes longer."""

Values = Mapping[str, Any]
"""What was filled in, by the names of the request's fields; what equals the default is not among it."""


@dataclass(frozen=True)
class Reference:
    """A field for a reference to a model or a dataset, which the form offers what is there for."""

    name: str
    type: InputType
    description: str = ""
    required: bool = True

    @property
    def field(self) -> Field:
        """The field as the form reads it."""
        return Field(self.name, FieldKind.TEXT, self.description, required=self.required)


@dataclass(frozen=True)
class Panel:
    """One question that can be asked about models.

    Attributes:
        id: Last part of the page's address.
        title: What is asked, in a few words.
        lead: What the answer tells, in a sentence.
        rank: Where it stands among the panels, the least first.
        service: Name of the service that answers.
        request: The call's request; the names of the form's fields are those of its fields.
        answer: Asks as a caller and makes of the response what the page shows; raises `palmette.errors.PalmetteError`.
        command: Returns the terminal command that asks the same, or the empty string where there is none.
        references: The fields for models and datasets.
        fields: Its other fields.
        method: Method of the service whose settings the form has, filled in under ``config``.
        settings: Names of those settings; their limits, choices and defaults are the method's own.
        icon: Name of its icon.
        link: What leads here from a model's page with the first reference filled in; nothing does when empty.
        kinds: Kinds of artifacts that have the link.
    """

    id: str
    title: str
    lead: str
    rank: int
    service: str
    request: type[Message]
    answer: Callable[[SuiteApi, Caller, Values], Awaitable[Answer]]
    command: Callable[[Values], str]
    references: tuple[Reference, ...]
    fields: tuple[Field, ...] = ()
    method: str = ""
    settings: tuple[str, ...] = ()
    icon: str = "search"
    link: str = ""
    kinds: tuple[str, ...] = ("model",)

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the fields that must be filled in before it can be asked."""
        own = (*(reference.field for reference in self.references), *self.fields)
        return tuple(field.path for field in own if field.required)
