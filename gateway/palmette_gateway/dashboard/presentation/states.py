"""How states look: a word, an icon and a colour class, so that colour is never the only sign."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True)
class Look:
    """A word, the name of an icon and a colour class."""

    word: str
    icon: str
    tone: str


# By the state's value: what is called the same looks the same, be it a job, a deployment or a plugin.
_LOOKS = {
    "QUEUED": Look("Queued", "clock", "wait"),
    "RUNNING": Look("Running", "play", "busy"),
    "SUCCEEDED": Look("Succeeded", "check", "good"),
    "FAILED": Look("Failed", "cross", "bad"),
    "CANCELLED": Look("Cancelled", "stop", "calm"),
    "HEALTHY": Look("Healthy", "check", "good"),
    "DEGRADED": Look("Degraded", "warning", "wait"),
    "UNHEALTHY": Look("Unhealthy", "cross", "bad"),
    "EXPORTING": Look("Exporting", "play", "busy"),
    "LOADING": Look("Loading", "play", "busy"),
    "READY": Look("Ready", "check", "good"),
    "DELETING": Look("Deleting", "trash", "calm"),
    "RETIRED": Look("Retired", "clock", "calm"),
    "BROKEN": Look("Broken", "cross", "bad"),
}


def look(state: StrEnum) -> Look:
    """Return how a state looks."""
    return _LOOKS[state.value]
