"""The gateway process: all its parts, started and stopped in order."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

import grpc
import structlog
from prometheus_client import make_asgi_app

from palmette_gateway.access.local_token import LocalToken
from palmette_gateway.access.signing_key import load_or_create, public_keys
from palmette_gateway.access.tokens import Tokens
from palmette_gateway.call_details import changing
from palmette_gateway.channels import OPTIONS
from palmette_gateway.control_plane.metrics import CONFIGURATIONS, REGISTRY
from palmette_gateway.control_plane.server import ControlPlane
from palmette_gateway.dashboard.app import create_app
from palmette_gateway.endpoints import Endpoints, EndpointsFileError, follow_endpoints
from palmette_gateway.envoy.renderer import Renderer
from palmette_gateway.envoy.validation import ConfigurationRefusedError
from palmette_gateway.health.control_plane_probe import ControlPlaneProbe
from palmette_gateway.health.envoy_probe import EnvoyProbe
from palmette_gateway.health.monitor import HealthMonitor
from palmette_gateway.health.observation import Probe
from palmette_gateway.health.service_probe import ServicesProbe
from palmette_gateway.health.triton_probe import TritonProbe
from palmette_gateway.inference import InferenceServer
from palmette_gateway.secret_error import SecretError
from palmette_gateway.services import Services
from palmette_gateway.settings import Settings
from palmette_gateway.suite import Suite
from palmette_gateway.tracing.setup import set_up_tracing
from palmette_gateway.verified_caller import VerifiedCaller
from palmette_gateway.vouching import Voucher
from palmette_gateway.web_server import WebServer

log = structlog.get_logger(__name__)


class Gateway:
    """Control plane, dashboard and Envoy's configuration for one suite. Make it inside the event loop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        key = load_or_create(settings.auth_dir)
        self._tokens = Tokens(key)
        lifetime = timedelta(days=settings.local_token_days)
        self._local_token = LocalToken(settings.auth_dir, self._tokens, lifetime)
        self._renderer = Renderer(settings, public_keys(key), settings.envoy_config_dir)
        self._tracing = set_up_tracing(settings.otlp_endpoint)
        self._services = Services(settings, self._tracing.client)
        self._inference = InferenceServer(settings)
        self._own_probe = ControlPlaneProbe()
        self._envoy_probe = EnvoyProbe(settings.envoy_admin)
        self._triton_probe = TritonProbe(self._inference, settings.triton_metrics_url)
        probes: list[Probe] = [self._own_probe, self._envoy_probe, ServicesProbe(self._services), self._triton_probe]
        self._monitor = HealthMonitor(probes)
        self._control_plane = ControlPlane(
            self._tokens, self._services, self._monitor, settings.max_message_bytes, self._tracing.server
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Start everything, run until `stop`, and drain.

        Raises:
            AddressTakenError, ConfigurationRefusedError, EndpointsFileError, EnvoyMissingError, SecretError, OSError:
                It cannot start; the message says why.
        """
        settings = self._settings
        endpoints = settings.endpoints()
        self._local_token.renew()
        await self._renderer.apply(endpoints)
        self._take_over(endpoints)
        inside = self._inside_channel()
        web = self._dashboard(inside)
        servers = [web, *self._metrics_server()]
        await self._control_plane.start(settings.gateway_listen)
        log.info("the gateway serves", public=str(settings.envoy_listen), services=self._services.names)
        try:
            await self._run_until(stop, servers)
        finally:
            log.info("the gateway stops")
            for server in servers:
                server.stop()
            await self._control_plane.stop(settings.drain_s)
            await self._close(inside)

    async def _run_until(self, stop: asyncio.Event, servers: list[WebServer]) -> None:
        """Run the background work; if any of it fails, the process ends with that error instead of going on without."""
        duties: list[Coroutine[Any, Any, None]] = [self._monitor.run(), self._local_token.keep()]
        if self._settings.endpoints_file is not None:
            duties.append(self._follow_endpoints())
        serving = [asyncio.create_task(server.run()) for server in servers]
        background = [asyncio.create_task(duty) for duty in duties]
        stopping = asyncio.create_task(stop.wait())
        try:
            done, _ = await asyncio.wait([*serving, *background, stopping], return_when=asyncio.FIRST_COMPLETED)
            for task in done - {stopping}:
                task.result()
        finally:
            for task in (*background, stopping):
                task.cancel()
            for server in servers:
                server.stop()
            await asyncio.gather(*serving, *background, stopping, return_exceptions=True)

    async def _follow_endpoints(self) -> None:
        assert self._settings.endpoints_file is not None
        async for change in follow_endpoints(self._settings.endpoints_file):
            if isinstance(change, EndpointsFileError):
                log.error("the endpoints file is wrong; the former endpoints stay", error=str(change))
                self._own_probe.report(f"{change}; the former endpoints stay in force")
                continue
            try:
                applied = await self._renderer.apply(change)
            except (ConfigurationRefusedError, SecretError, OSError) as error:
                log.error("Envoy's configuration was not replaced", error=str(error))
                CONFIGURATIONS.labels("refused").inc()
                self._own_probe.report(f"the endpoints changed but Envoy's configuration could not: {error}")
                continue
            CONFIGURATIONS.labels("applied" if applied else "unchanged").inc()
            self._own_probe.report("")
            self._take_over(change)

    def _take_over(self, endpoints: Endpoints) -> None:
        self._services.update(endpoints.services)
        self._inference.update(endpoints.triton_endpoint)

    def _inside_channel(self) -> grpc.aio.Channel:
        interceptors = [*self._tracing.client, *changing(Voucher(self._tokens).vouch)]
        return grpc.aio.insecure_channel(
            self._settings.gateway_listen.target, options=OPTIONS, interceptors=interceptors
        )

    def _dashboard(self, control_plane: grpc.aio.Channel) -> WebServer:
        suite = Suite(control_plane, self._services, self._tokens)
        pages = create_app(suite)
        app = self._tracing.pages(VerifiedCaller(pages, self._tokens))
        listen, drain_s = self._settings.dashboard_listen, self._settings.drain_s
        return WebServer(app, listen, "PALMETTE_DASHBOARD_LISTEN", drain_s, pages.state.dashboard.end_streams)

    def _metrics_server(self) -> list[WebServer]:
        listen = self._settings.metrics_listen
        if listen is None:
            return []
        app = make_asgi_app(REGISTRY)
        return [WebServer(app, listen, "PALMETTE_METRICS_LISTEN", self._settings.drain_s)]

    async def _close(self, inside: grpc.aio.Channel) -> None:
        await inside.close()
        await asyncio.to_thread(self._tracing.close)
        await self._services.close()
        await self._inference.close()
        await self._envoy_probe.close()
        await self._triton_probe.close()
