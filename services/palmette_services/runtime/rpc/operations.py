"""Synchronous calls of a service that are answered by operations of its plugins (`palmette_plugins.api.operations`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message

from palmette_services.runtime.inspector import Inspector

LONGEST_S = 120.0
_Response = TypeVar("_Response", bound=Message)


class Operations:
    """Asks the inspector, where torch is loaded: a service process never loads a model."""

    def __init__(self, inspector: Inspector) -> None:
        self._inspector = inspector

    async def answer(self, name: str, question: Mapping[str, Any], response: _Response, context: Any) -> _Response:
        """Call the operation `name` and return its answer in `response`, an empty message of the right type.

        Waits as long as the caller does, within reason. Errors of the operation come out as they are.
        """
        parsed: _Response = ParseDict(await self.ask(name, question, context), response)
        return parsed

    async def ask(self, name: str, question: Mapping[str, Any], context: Any) -> dict[str, Any]:
        """Call the operation `name` and return its answer as it is, for calls that answer with a stream."""
        left_s: float | None = context.time_remaining()
        patience_s = LONGEST_S if left_s is None else min(left_s, LONGEST_S)
        return await self._inspector.call(name, dict(question), patience_s)
