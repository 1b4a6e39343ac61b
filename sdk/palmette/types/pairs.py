"""Image-text pairs and what a filter says to them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True)
class ImageTextPair:
    """An image with the text that is said to describe it.

    Attributes:
        image: An encoded image (PNG, JPEG, WebP, ...).
        caption: The text.
        uid: What its score is named by.
    """

    image: bytes
    caption: str
    uid: str = ""


class DropCause(Enum):
    """Why a pair cannot be scored."""

    UNREADABLE_IMAGE = "unreadable image"
    EMPTY_CAPTION = "empty caption"
    NON_FINITE_SCORE = "non-finite score"


@dataclass(frozen=True)
class PairScore:
    """The score of a pair.

    Attributes:
        uid: The pair's.
        score: Higher is better; None for a pair that cannot be scored.
        dropped: Why it cannot.
    """

    uid: str
    score: float | None
    dropped: DropCause | None = None
