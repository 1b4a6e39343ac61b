"""Descriptions of plugins, which are foreign text, as safe HTML."""

from __future__ import annotations

from markdown_it import MarkdownIt
from markupsafe import Markup

# Raw HTML stays text, and links with other schemes than http, https and mailto are not made.
_PARSER = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable("table").disable(["image", "html_block"])


def markdown(text: str) -> Markup:
    """Return Markdown as HTML without raw HTML, images or scripts."""
    return Markup(_PARSER.render(text))
