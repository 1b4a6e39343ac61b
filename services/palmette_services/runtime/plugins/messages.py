"""From descriptions to ``palmette.v1.Plugin``."""

from __future__ import annotations

from palmette_plugins.api.catalogue import PluginDescription
from palmette_protos.v1 import plugin_pb2
from palmette_services.runtime.rpc.structs import dict_to_struct


def plugin_message(service: str, plugin: PluginDescription) -> plugin_pb2.Plugin:
    """Return the message of one plugin."""
    message = plugin_pb2.Plugin(
        name=f"services/{service}/plugins/{plugin.name}",
        distribution=plugin.distribution,
        version=plugin.version,
    )
    if plugin.error:
        message.state = plugin_pb2.PLUGIN_STATE_BROKEN
        message.import_error = plugin.error
        return message
    message.state = plugin_pb2.PLUGIN_STATE_READY
    message.kind = plugin_pb2.PluginKind.Value(f"PLUGIN_KIND_{plugin.kind.upper()}")
    message.summary = plugin.summary
    message.description = plugin.description
    message.config_schema.CopyFrom(dict_to_struct(plugin.config_schema))
    message.tasks.extend(plugin.tasks)
    if plugin.paper:
        message.paper.CopyFrom(plugin_pb2.Paper(**plugin.paper))
    for given in plugin.inputs:
        message.inputs.add(
            name=given.name,
            type=plugin_pb2.InputType.Value(f"INPUT_TYPE_{given.type.upper()}"),
            repeated_input=given.repeated,
            optional_input=given.optional,
            description=given.description,
        )
    for output in plugin.outputs:
        message.outputs.add(
            name=output.name, kind=output.kind, repeated_output=output.repeated, description=output.description
        )
    return message
