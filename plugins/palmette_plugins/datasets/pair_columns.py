"""What the parts of a pair are called in files: the names that are in use."""

from __future__ import annotations

import re

from palmette_plugins.api.errors import InvalidArgument

CAPTIONS = ("caption", "text", "txt")
IMAGES = ("image", "jpg", "jpeg", "png", "webp", "img")
UIDS = ("uid", "key_uid")
_UID = re.compile(r"[0-9a-f]{32}")


def checked_uid(text: str, where: str) -> str:
    """Return a uid in lower case; raise `InvalidArgument` if it is not 128 bits as 32 hexadecimal digits."""
    uid = text.strip().lower()
    if not _UID.fullmatch(uid):
        raise InvalidArgument.field("reference", f"{where}: uid '{text}' is not 32 hexadecimal digits")
    return uid


def first_of(names: tuple[str, ...], available: list[str], what: str, where: str) -> str:
    """Return the first of `names` that is there; raise `InvalidArgument` saying what is."""
    for name in names:
        if name in available:
            return name
    there = ", ".join(available) or "nothing"
    raise InvalidArgument.field("reference", f"{where} has no {what} (one of {', '.join(names)}); it has {there}")
