"""The emoji of one vendor: 64x64 colour PNG files with names and categories (npm ``emoji-datasource-*``)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import orjson

from palmette_plugins.api.errors import DataLoss
from palmette_plugins.datasets.npm_packages import npm_package

VERSION = "16.0.0"
SIZE = 64
Vendor = Literal["google", "apple", "twitter", "facebook"]


@dataclass(frozen=True)
class Emoji:
    """One picture.

    Attributes:
        file: Its PNG file.
        caption: Its official name as words, such as ``grinning face``.
        category: Its category, such as ``Food & Drink``.
        subcategory: Finer, such as ``food-fruit``.
    """

    file: Path
    caption: str
    category: str
    subcategory: str


@lru_cache(maxsize=4)
def emoji_files(vendor: str, path: str | None) -> tuple[Emoji, ...]:
    """Return a vendor's emoji in the data's order, those of other skin tones left out.

    Raises:
        NotFound: The package is not here and cannot be fetched.
        DataLoss: It is here but damaged.
    """
    folder = npm_package(f"emoji-datasource-{vendor}", VERSION, path)
    try:
        rows: list[dict[str, Any]] = orjson.loads((folder / "emoji.json").read_bytes())
        images = folder / "img" / vendor / str(SIZE)
        return tuple(
            Emoji(images / row["image"], _words(row), row["category"], row["subcategory"])
            for row in rows
            if row.get(f"has_img_{vendor}") and row["category"] != "Component"
        )
    except (OSError, KeyError, orjson.JSONDecodeError) as error:
        raise DataLoss(f"{folder} is damaged ({error}); remove it and fetch it again") from None


def _words(row: dict[str, Any]) -> str:
    return str(row.get("name") or row["short_name"]).replace("-", " ").replace("_", " ").lower()
