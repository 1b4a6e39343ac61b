"""Sections of a Sphinx page as text, and the entries of a Sphinx index."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

_SPACE = re.compile(r"\s+")
_HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
_BLOCKS = {"p", "li", "dt", "dd", "pre", "div", "tr", "td", "th", "br", "table", "ul", "ol", "dl", "blockquote"}
_UNSEEN = {"script", "style"}


@dataclass
class Section:
    """One section without its subsections.

    Attributes:
        anchors: Ids inside it, its own first.
        title: Its heading.
        page_title: The heading of the page's first section.
        text: Its text, white space as single blanks.
    """

    anchors: list[str]
    title: str = ""
    page_title: str = ""
    text: str = ""
    pieces: list[str] = field(default_factory=list, repr=False)


def sections(html: str) -> list[Section]:
    """Return the sections of a page in the order in which they begin."""
    parser = _Sections()
    parser.feed(html)
    found = parser.found
    for section in found:
        section.text = _SPACE.sub(" ", "".join(section.pieces)).strip()
        section.title = _SPACE.sub(" ", section.title).strip()
        section.page_title = found[0].title
    return found


def index_entries(html: str) -> list[tuple[str, str]]:
    """Return the targets (``page.html#anchor``) of an index page with the entry's text, as one reads it.

    Entries below another one are read after it: "module", below "os", is "os module". Links named by number only say
    that an entry has several targets.
    """
    parser = _Index()
    parser.feed(html)
    return parser.found


class _Sections(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[Section] = []
        self._open: list[Section] = []
        self._in_heading = False
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "section":
            section = Section([values.get("id") or ""])
            self.found.append(section)
            self._open.append(section)
            return
        if not self._open:
            return
        if values.get("id"):
            self._open[-1].anchors.append(str(values["id"]))
        if tag in _HEADINGS:
            self._in_heading = True
        if tag in _UNSEEN or (tag == "a" and values.get("class") == "headerlink"):
            self._unseen += 1
        if tag in _BLOCKS:
            self._open[-1].pieces.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag == "section" and self._open:
            self._open.pop()
        if tag in _HEADINGS:
            self._in_heading = False
        if self._unseen and tag in {*_UNSEEN, "a"}:
            self._unseen -= 1

    def handle_data(self, data: str) -> None:
        if not self._open or self._unseen:
            return
        if self._in_heading:
            self._open[-1].title += data
        else:
            self._open[-1].pieces.append(data)


class _Index(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, str]] = []
        self._levels: list[str] = []  # text of the entry that is open at each depth
        self._target: str | None = None
        self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "li":
            self._levels.append("")
        if tag == "a" and self._levels:
            self._target, self._text = dict(attrs).get("href"), ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "li" and self._levels:
            self._levels.pop()
        if tag == "a" and self._target is not None:
            text = _SPACE.sub(" ", self._text).strip()
            if not re.fullmatch(r"\[\d+\]", text):
                self._levels[-1] = text
            entry = " ".join(level for level in self._levels if level)
            if entry and "#" in self._target:
                self.found.append((self._target, entry))
            self._target = None

    def handle_data(self, data: str) -> None:
        if self._target is not None:
            self._text += data
        elif self._levels and not self._levels[-1]:
            self._levels[-1] = _SPACE.sub(" ", data).strip()
