"""Texts that every database and every protobuf parser takes."""

from __future__ import annotations

_LONGEST = 16_384


def clean_text(text: str, longest: int = _LONGEST) -> str:
    """Return `text` without NUL bytes and half characters, cut to `longest` characters."""
    if len(text) > longest:
        text = f"{text[:longest]} [{len(text) - longest} characters left out]"
    return text.replace("\x00", "").encode(errors="replace").decode()


def one_line(text: str) -> str:
    """Return the first line that says something."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return clean_text(lines[0], 500) if lines else ""
