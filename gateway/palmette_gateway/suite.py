"""The suite as the dashboard calls it: stubs to the control plane and to each service."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import grpc

from palmette.types import Identity, Role
from palmette_gateway.access.tokens import TokenError, Tokens
from palmette_gateway.dashboard.ports import InvalidToken
from palmette_gateway.services import Services
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

SERVING = "serving"


class Suite:
    """Follows the services' addresses as they change; see `dashboard.ports.SuiteApi` for what it promises."""

    def __init__(self, control_plane: grpc.aio.Channel, services: Services, tokens: Tokens) -> None:
        self._control_plane = control_plane
        self._services = services
        self._tokens = tokens

    @property
    def services(self) -> Sequence[str]:
        """Names of the services behind the gateway, whether they answer or not."""
        return self._services.names

    def jobs(self, service: str = "") -> JobServiceAsyncStub:
        """Jobs of one service, or of all for the empty name."""
        return JobServiceStub(self.channel(service))

    def plugins(self, service: str = "") -> PluginServiceAsyncStub:
        """Plugins of one service, or of all for the empty name."""
        return PluginServiceStub(self.channel(service))

    def channel(self, service: str) -> grpc.aio.Channel:
        """The channel to one service; for a name that the suite does not have, the control plane says so."""
        if service in self._services.names:
            return self._services.get(service).channel
        return self._control_plane

    @property
    def artifacts(self) -> ArtifactServiceAsyncStub:
        """The artifact registry."""
        return ArtifactServiceStub(self.channel(SERVING))

    @property
    def deployments(self) -> DeploymentServiceAsyncStub:
        """Models on the inference server."""
        return DeploymentServiceStub(self.channel(SERVING))

    @property
    def suite(self) -> SuiteServiceAsyncStub:
        """The suite's health."""
        return SuiteServiceStub(self._control_plane)

    @property
    def tokens(self) -> TokenServiceAsyncStub:
        """Access tokens."""
        return TokenServiceStub(self._control_plane)

    async def verify(self, token: str) -> Identity:
        """Return whose token it is; raise `InvalidToken` saying why it is not accepted."""
        try:
            found = self._tokens.identify(token)
        except TokenError as error:
            raise InvalidToken(str(error)) from error
        return Identity(found.subject, Role(found.role.claim), found.expires)
