"""The user's cache of prepared and downloaded data. Everything in it can be deleted at any time."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import platformdirs

from palmette_plugins.api.artifacts.disk import disk_errors


def cache_folder() -> Path:
    """Return the folder below which datasets are cached."""
    return Path(platformdirs.user_cache_dir("palmette")) / "datasets"


def cached_folder(name: str, fill: Callable[[Path], None]) -> Path:
    """Return the cached folder `name`; the first time, `fill` writes it.

    It is written beside its place and renamed, so a crash or a second process never leaves half of it.
    """
    target = cache_folder() / name
    if target.is_dir():
        return target
    with disk_errors(f"caching {name}"):
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=target.parent))
        try:
            fill(unfinished)
            try:
                unfinished.rename(target)
            except OSError:
                if not target.is_dir():  # else another process was first, with the same content
                    raise
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    return target
