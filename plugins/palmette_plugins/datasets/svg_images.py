"""SVG drawings as images."""

from __future__ import annotations

from palmette_plugins.api.errors import NotFound


def rendered_svg(svg: str, size: int) -> bytes:
    """Return a drawing as PNG on white, `size` pixels wide and high; no bytes at all if it cannot be drawn.

    Raises:
        NotFound: resvg-py is not installed.
    """
    try:
        from resvg_py import svg_to_bytes
    except ImportError:
        raise NotFound("drawing SVG needs resvg-py: pip install 'palmette-plugins[data-filtering]'") from None
    try:
        return bytes(svg_to_bytes(svg_string=svg, width=size, height=size, background="#fff", skip_system_fonts=True))
    except ValueError:
        return b""  # a damaged drawing is an unreadable image of the pool
