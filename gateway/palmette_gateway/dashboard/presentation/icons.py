"""The icons: strokes on a 16 x 16 grid in the colour of the text around them."""

from __future__ import annotations

from markupsafe import Markup

_STROKES = {
    "check": "M3 8.5 6.5 12 13 4.5",
    "cross": "M4 4l8 8M12 4l-8 8",
    "stop": "M4.5 4.5h7v7h-7z",
    "play": "M5 3.5v9l7-4.5z",
    "clock": "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2M8 5v3.2l2.2 1.6",
    "warning": "M8 2.2 14.5 13.5h-13zM8 6.5v3.2M8 11.6v.2",
    "info": "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2M8 7.3v3.7M8 5v.2",
    "copy": "M6 6h7.5v7.5H6zM10 3.5V2.5H2.5V10h1",
    "sun": "M8 5.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6M8 1.2v1.4M8 13.4v1.4M1.2 8h1.4M13.4 8h1.4"
    "M3.2 3.2l1 1M11.8 11.8l1 1M12.8 3.2l-1 1M4.2 11.8l-1 1",
    "moon": "M13.5 9.5A5.8 5.8 0 0 1 6.5 2.5a5.8 5.8 0 1 0 7 7z",
    "half": "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM8 2v12M8 5l5 2M8 8.5l5.6 0M8 12l4-1.2",
    "trash": "M2.5 4.5h11M6 4.5v-2h4v2M4 4.5l.7 9h6.6l.7-9M6.8 7v4M9.2 7v4",
    "retry": "M13 8a5 5 0 1 1-1.6-3.7M13 2v3h-3",
    "back": "M7 3.5 2.5 8 7 12.5M2.5 8h11",
    "next": "M9 3.5 13.5 8 9 12.5M2.5 8h11",
    "down": "M8 2.5v8M4.5 7 8 10.5 11.5 7M2.5 13.5h11",
    "external": "M9 2.5h4.5V7M13.5 2.5 7 9M11.5 9.5v4h-9v-9h4",
    "search": "M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9M10.3 10.3l3.4 3.4",
    "plus": "M8 3v10M3 8h10",
    "overview": "M2.5 2.5h4.5v6H2.5zM9 2.5h4.5V6H9zM9 8h4.5v5.5H9zM2.5 10.5h4.5v3H2.5z",
    "jobs": "M2.5 4h3M2.5 8h6M2.5 12h9M8.5 4h5M11.5 8h2",
    "plugins": "M6 2v3M10 2v3M4 5h8v3.5a4 4 0 0 1-8 0zM8 12.5V15",
    "models": "M2.5 3.5v9M6.2 2v12M9.8 4.5v7M13.5 6v4M2.5 8h11",
    "artifacts": "M8 1.8 13.8 5v6L8 14.2 2.2 11V5zM2.4 5.1 8 8.2l5.6-3.1M8 8.2v6",
    "deployments": "M8 10V6.2M5.5 10.5 2.5 9.2c.5-2 1.5-3.2 3-3.5M10.5 10.5l3-1.3c-.5-2-1.5-3.2-3-3.5"
    "M5.5 10.5h5c.6-3.5.3-6.2-2.5-9-2.8 2.8-3.1 5.5-2.5 9zM6.5 13h3",
    "key": "M10.5 2.5a3 3 0 1 0 0 6 3 3 0 0 0 0-6M8.3 7.7 2.5 13.5M4.5 11.5l1.7 1.7",
    "compare": "M5 2.5v11M11 2.5v11M2.5 5h5M8.5 11h5",
}


def icon(name: str) -> Markup:
    """Return an icon as inline SVG, hidden from screen readers: words stand beside it."""
    return Markup(
        '<svg class="icon icon-{}" viewBox="0 0 16 16" aria-hidden="true" focusable="false"><path d="{}"/></svg>'
    ).format(name, _STROKES[name])
