"""`palmette plugins`: the methods that the suite can run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.markdown import Markdown
from rich.markup import escape

from palmette.cli.connecting import suite
from palmette.cli.formatting import state_text
from palmette.cli.missing import tell_missing
from palmette.cli.output import Json, show, table
from palmette.config_table import ConfigField, config_fields
from palmette.types import Plugin

# A service that does not answer within most of this is named as missing; nobody waits a minute for the others.
_PATIENCE_S = 15.0

app = typer.Typer(help="The methods that the suite can run.", no_args_is_help=True)


@app.command("list")
def list_(service: Annotated[str, typer.Option(help="Only this service's.")] = "", json: Json = False) -> None:
    """List the installed methods."""
    with suite(timeout_s=_PATIENCE_S) as client:
        plugins = client.plugins(service)
    result = {"plugins": plugins, "unreachable": plugins.unreachable}
    show(result, json, lambda: table(["NAME", "SERVICE", "KIND", "STATE", "SUMMARY"], _rows(plugins), empty="none"))
    if not json:
        tell_missing(plugins, "plugins")


def _rows(plugins: list[Plugin]) -> Iterator[tuple[str, ...]]:
    for plugin in plugins:
        text = plugin.summary or plugin.import_error.partition("\n")[0]
        yield plugin.id, plugin.service, plugin.kind or "-", state_text(plugin.state), escape(text)


@app.command("show")
def show_(
    name: Annotated[str, typer.Argument(help="Such as random-pruning or pruning_growth/random-pruning.")],
    json: Json = False,
) -> None:
    """Show a method: what it does, its inputs and outputs, its settings."""
    with suite() as client:
        plugin = client.plugin(name)
    show(plugin, json, lambda: _page(plugin))


def _page(plugin: Plugin) -> RenderableType:
    parts: list[RenderableType] = [
        f"[bold]{plugin.service}/{plugin.id}[/]  {plugin.kind}  {state_text(plugin.state)}",
        escape(plugin.summary),
    ]
    if plugin.paper:
        parts.append(f"[dim]{escape(plugin.paper.title)}, {plugin.paper.authors} {plugin.paper.year}[/]")
    if plugin.description:
        parts += ["", Markdown(plugin.description)]
    if plugin.import_error:
        parts += ["", "[red]It does not import:[/]", escape(plugin.import_error)]
        return Group(*parts)
    inputs = [(i.name, i.type, _many(i.repeated, i.optional), escape(i.description)) for i in plugin.inputs]
    outputs = [(o.name, o.kind, _many(o.repeated, False), escape(o.description)) for o in plugin.outputs]
    settings = [_setting(field) for field in config_fields(plugin.config_schema)]
    parts += ["", table(["INPUT", "TYPE", "", ""], inputs, empty="no inputs")]
    parts += ["", table(["OUTPUT", "KIND", "", ""], outputs, empty="no outputs")]
    parts += ["", table(["SETTING", "DEFAULT", "RANGE", "TYPE", ""], settings, empty="no settings", wrap=["TYPE"])]
    parts += ["", f"[dim]{plugin.distribution} {plugin.version}[/]"]
    return Group(*parts)


def _many(repeated: bool, optional: bool) -> str:
    words = (["list"] if repeated else []) + (["optional"] if optional else [])
    return ", ".join(words)


def _setting(field: ConfigField) -> tuple[Any, ...]:
    return field.name, escape(field.default), escape(field.range), field.type, escape(field.description)
