"""Synchronous operations of a service: quick answers that need torch, given outside the service process.

An operation is a plain function from a JSON-like mapping to a JSON-like mapping, declared as an entry point
in ``palmette.operations.<service>``. The service calls it in its inspector process.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from palmette_plugins.api import entry_points

Operation = Callable[[Mapping[str, Any]], Mapping[str, Any]]


def call_operation(service: str, name: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """Run an operation; whatever `PalmetteError` it raises comes out.

    `request` always holds ``artifact_store_url``, set by the service.
    """
    operation = cast("Operation", entry_points.load(entry_points.operations_group(service), name, "operation"))
    return dict(operation(request))
