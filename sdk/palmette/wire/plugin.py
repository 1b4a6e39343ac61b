"""Plugins."""

from __future__ import annotations

from palmette.types import InputType, Paper, Plugin, PluginInput, PluginOutput, PluginState
from palmette.wire.scalars import enum_from, mapping_from
from palmette_protos.v1 import plugin_pb2


def plugin_from(plugin: plugin_pb2.Plugin) -> Plugin:
    """Return an installed method."""
    kind = plugin_pb2.PluginKind.Name(plugin.kind).removeprefix("PLUGIN_KIND_").lower()
    paper = plugin.paper
    return Plugin(
        name=plugin.name,
        state=enum_from(plugin_pb2.PluginState, plugin.state, "PLUGIN_STATE_", PluginState),
        kind="" if kind == "unspecified" else kind,
        summary=plugin.summary,
        description=plugin.description,
        paper=Paper(paper.title, paper.authors, paper.year, paper.url) if plugin.HasField("paper") else None,
        config_schema=mapping_from(plugin.config_schema),
        inputs=tuple(_input_from(item) for item in plugin.inputs),
        outputs=tuple(
            PluginOutput(item.name, item.kind, item.repeated_output, item.description) for item in plugin.outputs
        ),
        distribution=plugin.distribution,
        version=plugin.version,
        import_error=plugin.import_error,
        tasks=tuple(plugin.tasks),
    )


def _input_from(item: plugin_pb2.PluginInput) -> PluginInput:
    type_ = enum_from(plugin_pb2.InputType, item.type, "INPUT_TYPE_", InputType)
    return PluginInput(item.name, type_, item.repeated_input, item.optional_input, item.description)
