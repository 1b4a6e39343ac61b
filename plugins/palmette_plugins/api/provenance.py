"""What made an artifact: versions of the software around it."""

from __future__ import annotations

import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version

from palmette_plugins.api.method import Method

_RECORDED = ("palmette-plugins", "torch", "torchvision", "timm", "transformers", "numpy", "accelerate")


@cache
def environment() -> dict[str, str]:
    """Return versions of Python, the platform and the packages that decide a result."""
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for name in _RECORDED:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def plugin_distribution(method: type[Method]) -> str:
    """Return the distribution that a method's class came from, or an empty string (a notebook)."""
    names = packages_distributions().get(method.__module__.split(".")[0], [])
    return names[0] if names else ""


def plugin_version(method: type[Method]) -> str:
    """Return the version of that distribution, or an empty string."""
    name = plugin_distribution(method)
    return version(name) if name else ""
