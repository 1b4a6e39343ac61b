"""``python-docs``: sections of the Python manual as passages; its index and its FAQ as queries."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from palmette_plugins.api.errors import NotFound
from palmette_plugins.datasets.collections.html_sections import Section, index_entries, sections
from palmette_plugins.datasets.collections.known_items import CollectionParameters, KnownItem, KnownItems
from palmette_plugins.datasets.collections.passages import Passage

_FOLDER = Path("/usr/share/doc/python3.11/html")
_INDEX = re.compile(r"genindex-([A-Z_]|Symbols)\.html")
_PAGES = (
    "c-api",
    "distributing",
    "extending",
    "faq",
    "howto",
    "installing",
    "library",
    "reference",
    "tutorial",
    "using",
)
_LEAST_WORDS = 5  # shorter sections only announce what follows


class PythonDocs(KnownItems):
    """Some thousand sections of the manual, without those of its subsections.

    Queries are the index entries that point into a section. A question of the FAQ is a query too; its passage is
    titled with the page, not with the question.
    """

    name = "python-docs"
    summary = "sections of the Python manual; index entries and FAQ questions as queries (Debian's python3.11-doc)"
    group = "software"

    def files(self) -> Sequence[Path]:
        """Return the index and the pages."""
        if not (_FOLDER / "genindex-A.html").is_file():
            raise NotFound(
                "python-docs is not installed; on Debian run: apt-get install --reinstall "
                "-o Dpkg::Options::=--path-include='/usr/share/doc/*' python3.11-doc"
            )
        pages = [page for folder in _PAGES for page in sorted((_FOLDER / folder).rglob("*.html"))]
        return [*sorted(path for path in _FOLDER.iterdir() if _INDEX.fullmatch(path.name)), *pages]

    def items(self, parameters: CollectionParameters) -> Sequence[KnownItem]:
        """Return all sections with their queries."""
        return _items(tuple(self.files()))


@cache
def _items(files: tuple[Path, ...]) -> list[KnownItem]:
    entries: dict[str, list[str]] = {}
    for file in (file for file in files if file.parent == _FOLDER):
        for target, text in index_entries(file.read_text(encoding="utf-8")):
            entries.setdefault(target, []).append(text)
    found = []
    for file in (file for file in files if file.parent != _FOLDER):
        page = file.relative_to(_FOLDER).as_posix()
        found += [_item(page, section, entries) for section in sections(file.read_text(encoding="utf-8"))]
    return [item for item in found if len(item.passage.text.split()) >= _LEAST_WORDS]


def _item(page: str, section: Section, entries: dict[str, list[str]]) -> KnownItem:
    queries = [text for anchor in section.anchors for text in entries.get(f"{page}#{anchor}", [])]
    title = section.title
    if page.startswith("faq/") and title.endswith("?"):
        queries.append(title)
        title = section.page_title
    name = f"{page.removesuffix('.html')}#{section.anchors[0]}"
    return KnownItem(Passage(name, title, section.text), tuple(dict.fromkeys(queries)))
