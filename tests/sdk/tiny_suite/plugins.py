"""Three methods, two of one name."""

from __future__ import annotations

from typing import Any

from palmette_protos.v1 import plugin_pb2, plugin_pb2_grpc

_MODEL = plugin_pb2.PluginInput(name="model", type=plugin_pb2.INPUT_TYPE_MODEL)
_DATA = plugin_pb2.PluginInput(name="data", type=plugin_pb2.INPUT_TYPE_DATASET)
_MODELS = plugin_pb2.PluginInput(name="models", type=plugin_pb2.INPUT_TYPE_MODEL, repeated_input=True)


def _plugin(service: str, name: str, *inputs: plugin_pb2.PluginInput, **fields: Any) -> plugin_pb2.Plugin:
    plugin = plugin_pb2.Plugin(
        name=f"services/{service}/plugins/{name}",
        kind=plugin_pb2.PLUGIN_KIND_PRUNE,
        summary=f"{name} in one sentence.",
        state=plugin_pb2.PLUGIN_STATE_READY,
        inputs=inputs,
        outputs=[plugin_pb2.PluginOutput(name="model", kind="model")],
        **fields,
    )
    plugin.config_schema.update(
        {
            "$defs": {"Recipe": {"type": "object", "properties": {"epochs": {"type": "integer", "default": 10}}}},
            "properties": {
                "density": {"type": "number", "exclusiveMinimum": 0, "maximum": 1, "default": 0.1},
                "recipe": {"$ref": "#/$defs/Recipe", "description": "How to train."},
            },
        }
    )
    return plugin


class TinyPlugins(plugin_pb2_grpc.PluginServiceServicer):
    """Lists methods of two services; a third does not answer."""

    def __init__(self) -> None:
        self.plugins = [
            _plugin("pruning_growth", "random-pruning", _MODEL, _DATA),
            _plugin("pruning_growth", "model-averaging", _MODELS, _DATA),
            _plugin("pruning_growth", "twice", _MODEL),
            _plugin("nas", "twice", _MODEL),
        ]

    def ListPlugins(self, request: plugin_pb2.ListPluginsRequest, context: Any) -> plugin_pb2.ListPluginsResponse:
        service = request.parent.removeprefix("services/")
        plugins = [plugin for plugin in self.plugins if service in ("", plugin.name.split("/")[1])]
        return plugin_pb2.ListPluginsResponse(plugins=plugins, unreachable={"retrieval": "it is starting"})
