"""What made an artifact: versions of the software around it."""

from __future__ import annotations

import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, distributions, version

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
    """Return the distribution that declares methods of this class's package; empty for a script or a notebook."""
    return _distribution(method.__module__.split(".")[0])[0]


def plugin_version(method: type[Method]) -> str:
    """Return the version of that distribution, or an empty string."""
    return _distribution(method.__module__.split(".")[0])[1]


@cache
def _distribution(package: str) -> tuple[str, str]:
    """Return (name, version). Entry points are asked: the table of all installed packages takes a second to make."""
    for distribution in distributions():
        for point in distribution.entry_points:
            if point.group.startswith("palmette.methods.") and point.module.split(".")[0] == package:
                return distribution.name, distribution.version
    return "", ""
