"""Pages of a list, by key: a page deep in a list costs what the first one costs."""

from __future__ import annotations

import base64
import binascii

import orjson

from palmette_plugins.api.errors import InvalidArgument

_DEFAULT, _LARGEST = 50, 1000


def page_size(requested: int) -> int:
    """Return the number of entries of a page; raise `InvalidArgument` for a negative request."""
    if requested < 0:
        raise InvalidArgument.field("page_size", "must not be negative")
    return min(requested or _DEFAULT, _LARGEST)


def encode_token(key: list[int | str], query: str = "") -> str:
    """Return the token of the page after `key`, valid for `query` only."""
    return base64.urlsafe_b64encode(orjson.dumps([*key, query])).decode()


def decode_token(token: str, length: int, query: str = "") -> list[int | str] | None:
    """Return the key in a token; None without a token; raise `InvalidArgument` for a foreign one."""
    if not token:
        return None
    try:
        decoded: list[int | str] = list(orjson.loads(base64.urlsafe_b64decode(token.encode())))
    except (ValueError, TypeError, binascii.Error):
        raise InvalidArgument.field("page_token", "is not a token that this service gave out") from None
    if len(decoded) != length + 1:
        raise InvalidArgument.field("page_token", "is not a token that this service gave out")
    *key, made_for = decoded
    if made_for != query:
        raise InvalidArgument.field("page_token", "belongs to another filter; start again without a token")
    return key
