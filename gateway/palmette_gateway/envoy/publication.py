"""Puts a configuration where Envoy follows it, in one step."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from palmette_gateway.envoy.configuration import BOOTSTRAP, CURRENT, Configuration
from palmette_gateway.private_files import replace_file

VERSIONS = "versions"
KEPT_VERSIONS = 3


def publish(configuration: Configuration, folder: Path) -> bool:
    """Make `configuration` the one in force in `folder`; return whether it differs from the one before.

    The files go into a new folder below ``versions/``; then the link ``current`` is moved to it. Envoy watches for
    that move, so listeners, routes and clusters change together, and a crash in between changes nothing.
    """
    target = folder / VERSIONS / configuration.version
    if not target.exists():
        _write_version(configuration, target)
    changed = not _is_current(folder, configuration.version)
    if changed:
        _move_link(folder, configuration.version)
        _remove_old_versions(folder)
    # Last: whoever sees it also finds what it refers to.
    bootstrap = folder / BOOTSTRAP
    if not bootstrap.exists() or bootstrap.read_text() != configuration.bootstrap:
        replace_file(bootstrap, configuration.bootstrap.encode(), mode=0o644)
    return changed


def _write_version(configuration: Configuration, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".staging-", dir=target.parent))
    try:
        for name, content in configuration.files.items():
            with (staging / name).open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        staging.chmod(0o755)  # in a cluster Envoy is another user
        staging.rename(target)
    except OSError:
        shutil.rmtree(staging)
        raise


def _is_current(folder: Path, version: str) -> bool:
    link = folder / CURRENT
    return link.is_symlink() and link.readlink().name == version


def _move_link(folder: Path, version: str) -> None:
    staged = folder / f".{CURRENT}-{version}"
    staged.unlink(missing_ok=True)
    staged.symlink_to(Path(VERSIONS) / version)
    staged.replace(folder / CURRENT)
    os.utime(folder / VERSIONS / version)  # the newest by time is the one in force


def _remove_old_versions(folder: Path) -> None:
    by_age = sorted((folder / VERSIONS).iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in by_age[KEPT_VERSIONS:]:
        shutil.rmtree(path)
