"""``debian-packages``: what the packages of the installed Debian are for, in one line each; their names as queries."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from palmette_plugins.api.errors import NotFound
from palmette_plugins.datasets.collections.known_items import CollectionParameters, KnownItem, KnownItems
from palmette_plugins.datasets.collections.passages import Passage

_LISTS = Path("/var/lib/apt/lists")


class DebianPackages(KnownItems):
    """Some 60,000 short texts: a passage is a synopsis, its queries are the names of the packages that it describes."""

    name = "debian-packages"
    summary = "60,000 synopses of Debian packages; package names as queries (apt's lists)"
    group = "software"

    def files(self) -> Sequence[Path]:
        """Return apt's lists."""
        files = sorted(_LISTS.glob("*_Packages*")) if shutil.which("apt-cache") is not None else []
        if not files:
            raise NotFound("debian-packages needs apt's lists; on Debian run: apt-get update")
        return files

    def items(self, parameters: CollectionParameters) -> Sequence[KnownItem]:
        """Return every synopsis with the names of its packages."""
        names: dict[str, list[str]] = {}
        for name, synopsis in _packages():
            names.setdefault(synopsis, []).append(name)
        return [
            KnownItem(Passage(found[0], "", synopsis), tuple(name.replace("-", " ") for name in found))
            for synopsis, found in sorted(names.items(), key=lambda pair: pair[1][0])
        ]


def _packages() -> Iterator[tuple[str, str]]:
    """Yield name and synopsis of each package once, the newest version's."""
    done = subprocess.run(["apt-cache", "dumpavail"], capture_output=True, timeout=300, check=False)
    seen = set()
    for paragraph in done.stdout.decode("utf-8", errors="replace").split("\n\n"):
        fields = dict(line.split(": ", 1) for line in paragraph.splitlines() if ": " in line and line[0] != " ")
        name, synopsis = fields.get("Package"), fields.get("Description", fields.get("Description-en"))
        if name and synopsis and name not in seen:
            seen.add(name)
            yield name, synopsis
    if not seen:
        raise NotFound("debian-packages needs apt's lists; on Debian run: apt-get update")
