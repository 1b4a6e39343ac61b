"""Write docs/settings.md from the settings classes; ``--check`` fails on drift."""

from __future__ import annotations

import sys
from pathlib import Path

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

from palmette_gateway.settings import Settings as GatewaySettings
from palmette_services.runtime.settings import ServiceSettings
from palmette_services.serving.settings import ServingSettings

PAGE = Path(__file__).parent / "settings.md"
INTRODUCTION = """# Settings

Every process of the suite reads its settings from environment variables. `palmette up` sets the addresses, folders and
databases itself and passes on whatever else is set in its own environment. This page is generated from the code by
docs/generate_settings.py.

The SDK and the CLI read `PALMETTE_ENDPOINT` (address of the gateway) and `PALMETTE_TOKEN`; without them they find the
suite that runs from `PALMETTE_HOME` (default: the user's data folder) on this machine. With `PALMETTE_OTLP_ENDPOINT`
they trace their calls (see [operating](operating.md#traces))."""


def section(title: str, settings: type[BaseSettings], but: type[BaseSettings] | None = None) -> str:
    """Return the table of one class's fields, without those of `but`."""
    known = but.model_fields if but else {}
    rows = [f"## {title}", "", "| variable | default | |", "| --- | --- | --- |"]
    rows += [_row(name, field) for name, field in settings.model_fields.items() if name not in known]
    return "\n".join(rows)


def _row(name: str, field: FieldInfo) -> str:
    description = (field.description or "").replace("|", "\\|")
    return f"| `PALMETTE_{name.upper()}` | {_default(field)} | {description} |"


def _default(field: FieldInfo) -> str:
    if field.default_factory is not None:
        return "empty"
    if field.default is PydanticUndefined:
        return "required"
    return f"`{field.default}`" if field.default not in (None, "") else "empty"


def page() -> str:
    """Return the whole page."""
    parts = [
        INTRODUCTION,
        section("Every service", ServiceSettings),
        section("The serving service, beside those", ServingSettings, ServiceSettings),
        section("The gateway", GatewaySettings),
    ]
    return "\n\n".join(parts) + "\n"


def main(arguments: list[str]) -> None:
    """Write the page, or with ``--check`` fail if it is out of date."""
    text = page()
    if "--check" not in arguments:
        PAGE.write_text(text)
    elif not PAGE.exists() or PAGE.read_text() != text:
        sys.exit("docs/settings.md is out of date, run docs/generate_settings.py")


if __name__ == "__main__":
    main(sys.argv[1:])
