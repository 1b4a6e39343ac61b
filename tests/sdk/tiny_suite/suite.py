"""The server: one port, every service, stopped and started again at will."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import grpc
from tests.sdk.tiny_suite.artifacts import TinyArtifacts
from tests.sdk.tiny_suite.deployments import TinyDeployments
from tests.sdk.tiny_suite.gate import Gate
from tests.sdk.tiny_suite.inference import TinyInference
from tests.sdk.tiny_suite.jobs import TinyJobs
from tests.sdk.tiny_suite.models import TinyGuidedTraining, TinyPruningGrowth
from tests.sdk.tiny_suite.pairs import TinyDataFiltering
from tests.sdk.tiny_suite.plugins import TinyPlugins
from tests.sdk.tiny_suite.status import TinyStatus
from tests.sdk.tiny_suite.supernets import TinyNas
from tritonclient.grpc import service_pb2_grpc

from palmette_protos.data_filtering.v1 import data_filtering_pb2_grpc
from palmette_protos.guided_training.v1 import guided_training_pb2_grpc
from palmette_protos.nas.v1 import nas_pb2_grpc
from palmette_protos.pruning_growth.v1 import pruning_growth_pb2_grpc
from palmette_protos.serving.v1 import deployment_pb2_grpc
from palmette_protos.v1 import artifact_pb2_grpc, job_pb2_grpc, plugin_pb2_grpc, suite_pb2_grpc, token_pb2_grpc


class TinySuite:
    """Jobs, plugins, artifacts, deployments, answers about models and inference behind one address and one token."""

    token = "open-sesame"

    def __init__(self) -> None:
        self.jobs = TinyJobs()
        self.plugins = TinyPlugins()
        self.artifacts = TinyArtifacts()
        self.deployments = TinyDeployments()
        self.inference = TinyInference()
        self.pruning_growth = TinyPruningGrowth()
        self.guided_training = TinyGuidedTraining()
        self.nas = TinyNas()
        self.data_filtering = TinyDataFiltering()
        self.gate = Gate(self.token)
        self.port = 0
        self._server: grpc.Server | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self, credentials: grpc.ServerCredentials | None = None) -> None:
        """Serve, on the same port as before if there was one; with TLS if there are credentials."""
        server = grpc.server(ThreadPoolExecutor(16), interceptors=[self.gate], options=[("grpc.so_reuseport", 0)])
        job_pb2_grpc.add_JobServiceServicer_to_server(self.jobs, server)
        plugin_pb2_grpc.add_PluginServiceServicer_to_server(self.plugins, server)
        artifact_pb2_grpc.add_ArtifactServiceServicer_to_server(self.artifacts, server)
        deployment_pb2_grpc.add_DeploymentServiceServicer_to_server(self.deployments, server)
        status = TinyStatus()
        suite_pb2_grpc.add_SuiteServiceServicer_to_server(status, server)
        token_pb2_grpc.add_TokenServiceServicer_to_server(status, server)
        pruning_growth_pb2_grpc.add_PruningGrowthServiceServicer_to_server(self.pruning_growth, server)
        guided_training_pb2_grpc.add_GuidedTrainingServiceServicer_to_server(self.guided_training, server)
        nas_pb2_grpc.add_NasServiceServicer_to_server(self.nas, server)
        data_filtering_pb2_grpc.add_DataFilteringServiceServicer_to_server(self.data_filtering, server)
        service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(self.inference, server)
        if credentials:
            self.port = server.add_secure_port(self.address, credentials)
        else:
            self.port = server.add_insecure_port(self.address)
        server.start()
        self._server = server

    def stop(self) -> None:
        """Stop at once, as a crash would."""
        if self._server:
            self._server.stop(grace=None).wait()
            self._server = None
