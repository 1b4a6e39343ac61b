"""Operations that answer, and operations that do not."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from typing import Any

from palmette_plugins.api import InvalidArgument


def add(request: Mapping[str, Any]) -> dict[str, Any]:
    """Add two numbers."""
    if "a" not in request:
        raise InvalidArgument.field("a", "required")
    return {"sum": request["a"] + request["b"], "store": request["artifact_store_url"]}


def misbehave(request: Mapping[str, Any]) -> dict[str, Any]:
    """Die or hang."""
    if request["how"] == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(request["seconds"])
    return {}
