"""What the dashboard asks of the suite around it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from palmette.types import Identity

if TYPE_CHECKING:
    import grpc

    from palmette_protos.serving.v1.deployment_pb2_grpc import DeploymentServiceAsyncStub
    from palmette_protos.v1.artifact_pb2_grpc import ArtifactServiceAsyncStub
    from palmette_protos.v1.job_pb2_grpc import JobServiceAsyncStub
    from palmette_protos.v1.plugin_pb2_grpc import PluginServiceAsyncStub
    from palmette_protos.v1.suite_pb2_grpc import SuiteServiceAsyncStub
    from palmette_protos.v1.token_pb2_grpc import TokenServiceAsyncStub


class InvalidToken(Exception):  # noqa: N818 - it is a finding about the token, not a fault
    """A token that the suite does not accept; the message says why, for the person who pasted it."""


class SuiteApi(Protocol):
    """Stubs to the suite. The dashboard sends the caller as metadata ``x-palmette-user`` and ``x-palmette-role``."""

    @property
    def services(self) -> Sequence[str]:
        """Names of the services behind the gateway, whether they answer or not."""

    def jobs(self, service: str = "") -> JobServiceAsyncStub:
        """Jobs of one service, or of all services (``ListJobs`` only) for the empty name."""

    def plugins(self, service: str = "") -> PluginServiceAsyncStub:
        """Plugins of one service, or of all services (``ListPlugins`` only) for the empty name."""

    def channel(self, service: str) -> grpc.aio.Channel:
        """The channel to one service of `services`, for the calls that only this service has."""

    @property
    def artifacts(self) -> ArtifactServiceAsyncStub:
        """The artifact registry."""

    @property
    def deployments(self) -> DeploymentServiceAsyncStub:
        """Models on the inference server."""

    @property
    def suite(self) -> SuiteServiceAsyncStub:
        """The suite's health."""

    @property
    def tokens(self) -> TokenServiceAsyncStub:
        """Access tokens."""

    async def verify(self, token: str) -> Identity:
        """Return whose token it is; raise `InvalidToken` saying why it is not accepted."""
