"""The catalogue of installed methods."""

from __future__ import annotations

from collections.abc import Mapping

from palmette.types import Plugin
from palmette.wire.plugin import plugin_from
from palmette_gateway.dashboard.calls.unary import ask
from palmette_gateway.dashboard.ports import SuiteApi
from palmette_protos.v1 import plugin_pb2


async def list_plugins(suite: SuiteApi) -> tuple[tuple[Plugin, ...], Mapping[str, str]]:
    """Return the methods of all services, and why some services are missing."""
    response = await ask(suite.plugins().ListPlugins, plugin_pb2.ListPluginsRequest(), "the gateway", timeout_s=30)
    return tuple(plugin_from(plugin) for plugin in response.plugins), dict(response.unreachable)


async def get_plugin(suite: SuiteApi, service: str, plugin: str) -> Plugin:
    """Return one method."""
    request = plugin_pb2.GetPluginRequest(name=f"services/{service}/plugins/{plugin}")
    response = await ask(suite.plugins(service).GetPlugin, request, service, timeout_s=30)
    return plugin_from(response.plugin)
