"""The installed manuals: sections of the Debian Reference, and pages of the package ``manpages``."""

from __future__ import annotations

import gzip
import re
import zlib
from functools import cache
from pathlib import Path

from palmette_plugins.api.errors import DataLoss, NotFound
from palmette_plugins.datasets.roff_text import roff_text
from palmette_plugins.datasets.splitting import stable_order

_REFERENCE = Path("/usr/share/debian-reference/debian-reference.en.txt.gz")
# Other packages have manual pages too; only those of this one make the same text on every machine.
_PAGES = Path("/var/lib/dpkg/info/manpages.list")
_BODY = "\nChapter 1. "
_SECTION = re.compile(r"^(?=(?:Chapter |Appendix )?[0-9A-Z]+\.(?:[0-9]+\.)? [A-Z])", re.MULTILINE)
_PAGE = re.compile(r"/man\d/[^/]+\.gz$")


@cache
def manuals_text() -> bytes:
    """Return all sections and pages in one fixed order, by which every part of the text has some of both.

    Raises:
        NotFound: A package is not installed, or without its pages; the message says how to get it.
        DataLoss: A file is damaged.
    """
    parts = {**_sections(), **_pages()}
    names = sorted(parts)
    return "\n\n".join(parts[names[index]] for index in stable_order(names)).encode()


def _sections() -> dict[str, str]:
    if not _REFERENCE.is_file():
        raise NotFound("manual is not installed; on Debian run: apt-get install debian-reference-en manpages")
    whole = _unpacked(_REFERENCE, "debian-reference-en").replace("\u00a0", " ")
    body = whole.index(_BODY) if _BODY in whole else 0  # before it, the tables of contents name the sections too
    sections = [whole[:body], *_SECTION.split(whole[body:])]
    return {f"debian-reference/{index:03}": section for index, section in enumerate(sections) if section}


def _pages() -> dict[str, str]:
    files = [Path(line) for line in _PAGES.read_text().splitlines() if _PAGE.search(line)] if _PAGES.is_file() else []
    if not files:
        raise NotFound("manual needs the manual pages; on Debian run: apt-get install manpages")
    if not all(file.is_file() for file in files):
        raise NotFound(
            "manual needs the manual pages, which this image leaves out of the package; run: apt-get install "
            "--reinstall -o Dpkg::Options::=--path-include='/usr/share/man/*' manpages"
        )
    pages = {f"manpages/{file.name}": roff_text(_unpacked(file, "manpages")) for file in files}
    return {name: page for name, page in pages.items() if page.count("\n") > 1}  # else it points to another page


def _unpacked(file: Path, package: str) -> str:
    try:
        return gzip.decompress(file.read_bytes()).decode("utf-8", errors="replace")
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataLoss(f"{file} is damaged ({error}); install {package} again") from None
