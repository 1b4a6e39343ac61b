"""`SuiteApi` over gRPC channels: one to the gateway's control plane and one to each service."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import grpc

from palmette.types import Identity
from palmette_protos.serving.v1.deployment_pb2_grpc import DeploymentServiceStub
from palmette_protos.v1.artifact_pb2_grpc import ArtifactServiceStub
from palmette_protos.v1.job_pb2_grpc import JobServiceStub
from palmette_protos.v1.plugin_pb2_grpc import PluginServiceStub
from palmette_protos.v1.suite_pb2_grpc import SuiteServiceStub
from palmette_protos.v1.token_pb2_grpc import TokenServiceStub

if TYPE_CHECKING:
    from palmette_protos.serving.v1.deployment_pb2_grpc import DeploymentServiceAsyncStub
    from palmette_protos.v1.artifact_pb2_grpc import ArtifactServiceAsyncStub
    from palmette_protos.v1.job_pb2_grpc import JobServiceAsyncStub
    from palmette_protos.v1.plugin_pb2_grpc import PluginServiceAsyncStub
    from palmette_protos.v1.suite_pb2_grpc import SuiteServiceAsyncStub
    from palmette_protos.v1.token_pb2_grpc import TokenServiceAsyncStub


class ChannelSuite:
    """Stubs on channels that the caller owns and closes.

    Args:
        gateway: Channel to the control plane, which answers the aggregated calls.
        services: Channels by service name; ``serving`` answers for artifacts and deployments.
        verify: Returns the identity of a token or raises `ports.InvalidToken`.
    """

    def __init__(
        self,
        gateway: grpc.aio.Channel,
        services: Mapping[str, grpc.aio.Channel],
        verify: Callable[[str], Awaitable[Identity]],
    ) -> None:
        serving = services.get("serving", gateway)
        self._jobs = {name: JobServiceStub(channel) for name, channel in {"": gateway, **services}.items()}
        self._plugins = {name: PluginServiceStub(channel) for name, channel in {"": gateway, **services}.items()}
        self._artifacts = ArtifactServiceStub(serving)
        self._deployments = DeploymentServiceStub(serving)
        self._suite = SuiteServiceStub(gateway)
        self._tokens = TokenServiceStub(gateway)
        self._services = tuple(services)
        self._channels = dict(services)
        self._verify = verify

    @property
    def services(self) -> Sequence[str]:
        """Names of the services behind the gateway."""
        return self._services

    def jobs(self, service: str = "") -> JobServiceAsyncStub:
        """Jobs of one service or, for the empty or an unknown name, as the gateway aggregates them."""
        return self._jobs.get(service, self._jobs[""])

    def plugins(self, service: str = "") -> PluginServiceAsyncStub:
        """Plugins of one service or, for the empty or an unknown name, as the gateway aggregates them."""
        return self._plugins.get(service, self._plugins[""])

    def channel(self, service: str) -> grpc.aio.Channel:
        """The channel to one service."""
        return self._channels[service]

    @property
    def artifacts(self) -> ArtifactServiceAsyncStub:
        """The artifact registry."""
        return self._artifacts

    @property
    def deployments(self) -> DeploymentServiceAsyncStub:
        """Models on the inference server."""
        return self._deployments

    @property
    def suite(self) -> SuiteServiceAsyncStub:
        """The suite's health."""
        return self._suite

    @property
    def tokens(self) -> TokenServiceAsyncStub:
        """Access tokens."""
        return self._tokens

    async def verify(self, token: str) -> Identity:
        """Return whose token it is; raise `ports.InvalidToken` saying why it is not accepted."""
        return await self._verify(token)
