"""The sample suite's servers: a gateway, services that run jobs, and serving, each on a port of its own."""

from __future__ import annotations

from collections.abc import Sequence

import grpc
from tests.gateway.dashboard.sample_suite import sample_jobs, sample_results
from tests.gateway.dashboard.sample_suite.api import ChannelSuite
from tests.gateway.dashboard.sample_suite.artifact_servicer import SampleArtifacts
from tests.gateway.dashboard.sample_suite.catalogue import SamplePlugins
from tests.gateway.dashboard.sample_suite.deployment_servicer import SampleDeployments
from tests.gateway.dashboard.sample_suite.job_servicer import SampleJobs
from tests.gateway.dashboard.sample_suite.job_store import JobStore
from tests.gateway.dashboard.sample_suite.model_servicers import add_model_calls
from tests.gateway.dashboard.sample_suite.suite_servicer import SampleHealth, SampleTokens, verify

from palmette_protos.serving.v1.deployment_pb2_grpc import add_DeploymentServiceServicer_to_server
from palmette_protos.v1 import suite_pb2
from palmette_protos.v1.artifact_pb2_grpc import add_ArtifactServiceServicer_to_server
from palmette_protos.v1.job_pb2_grpc import add_JobServiceServicer_to_server
from palmette_protos.v1.plugin_pb2_grpc import add_PluginServiceServicer_to_server
from palmette_protos.v1.suite_pb2_grpc import add_SuiteServiceServicer_to_server
from palmette_protos.v1.token_pb2_grpc import add_TokenServiceServicer_to_server
from palmette_services.runtime.rpc.errors import ErrorInterceptor

SERVICES = ("guided_training", "nas", "pruning_growth", "serving")


class SampleSuite:
    """Start it in a running event loop; `api` is what the dashboard gets."""

    def __init__(self, services: Sequence[str] = SERVICES) -> None:
        self.services = services
        self.store = JobStore()
        self.artifacts = SampleArtifacts()
        self.deployments = SampleDeployments()
        self.health = SampleHealth()
        self.aggregate = SampleJobs(self.store)
        self.roles: list[str] = []
        self._servers: dict[str, grpc.aio.Server] = {}
        self._ports: dict[str, int] = {}
        self._channels: dict[str, grpc.aio.Channel] = {}
        self.api: ChannelSuite

    async def start(self) -> None:
        """Start every server."""
        for name in ("gateway", *self.services):
            await self.start_server(name)
            self._channels[name] = grpc.aio.insecure_channel(
                f"127.0.0.1:{self._ports[name]}", options=[("grpc.max_reconnect_backoff_ms", 500)]
            )
        services = {name: self._channels[name] for name in self.services}
        self.api = ChannelSuite(self._channels["gateway"], services, verify)
        part, state = suite_pb2.ComponentKind, suite_pb2.HEALTH_STATE_HEALTHY
        await self.health.set("gateway/envoy", part.COMPONENT_KIND_GATEWAY, state)
        for service in self.services:
            figures = {"jobs_running": 1, "jobs_queued": 1} if service == "pruning_growth" else {}
            await self.health.set(f"services/{service}", part.COMPONENT_KIND_SERVICE, state, figures=figures)
        await self.health.set("triton", part.COMPONENT_KIND_INFERENCE_SERVER, state)

    def fill(self) -> str:
        """Store sample data; return the name of the job that trains."""
        models = sample_results.fill_artifacts(self.artifacts)
        sample_results.fill_deployments(self.deployments, models)
        return sample_jobs.fill(self.store, models)

    async def start_server(self, name: str) -> None:
        """Start one server, on the port that it had before if there was one."""
        server = grpc.aio.server(interceptors=[ErrorInterceptor()])
        service = "" if name == "gateway" else name
        if name == "gateway":
            add_SuiteServiceServicer_to_server(self.health, server)
            add_TokenServiceServicer_to_server(SampleTokens(), server)
        if name == "serving":
            add_ArtifactServiceServicer_to_server(self.artifacts, server)
            add_DeploymentServiceServicer_to_server(self.deployments, server)
        add_model_calls(service, server, self.roles)
        jobs = SampleJobs(self.store, service) if service else self.aggregate
        add_JobServiceServicer_to_server(jobs, server)
        add_PluginServiceServicer_to_server(SamplePlugins(service), server)
        self._ports[name] = server.add_insecure_port(f"127.0.0.1:{self._ports.get(name, 0)}")
        await server.start()
        self._servers[name] = server

    async def stop_server(self, name: str) -> None:
        """Stop one server, as when its process dies."""
        await self._servers.pop(name).stop(None)

    async def stop(self) -> None:
        """Stop everything."""
        for channel in self._channels.values():
            await channel.close()
        for server in self._servers.values():
            await server.stop(None)
