"""The one table of who may call which method, and what may be repeated.

Envoy's routes and the control plane are both made from it. A method that is not in it cannot be called; a test
holds it against the descriptors.
"""

from __future__ import annotations

from dataclasses import dataclass

from palmette_gateway.access.roles import Role


@dataclass(frozen=True)
class Rule:
    """What the gateway knows about one method.

    Attributes:
        role: Least role that may call it; None for everyone, token or not.
        idempotent: Calling it twice is the same as calling it once, so the gateway may try again.
        timeout_s: Deadline in seconds of a call that sets none; None for the setting's default.
    """

    role: Role | None
    idempotent: bool = False
    timeout_s: float | None = None


PUBLIC = Rule(None, idempotent=True)
READ = Rule(Role.VIEWER, idempotent=True)
INFER = Rule(Role.VIEWER)  # a sequence model keeps state, so an inference is not repeated
WORK = Rule(Role.OPERATOR)
REPEATABLE_WORK = Rule(Role.OPERATOR, idempotent=True)
ADMINISTER = Rule(Role.ADMIN)

RULES: dict[str, dict[str, Rule]] = {
    "inference.GRPCInferenceService": {
        "ModelInfer": INFER,
        "ModelStreamInfer": INFER,
        "ServerLive": READ,
        "ServerReady": READ,
        "ServerMetadata": READ,
        "ModelReady": READ,
        "ModelMetadata": READ,
        "ModelConfig": READ,
        "ModelStatistics": READ,
        "RepositoryIndex": READ,
        # Deployments come and go through DeploymentService; these reach behind it, and into the server's files.
        "RepositoryModelLoad": ADMINISTER,
        "RepositoryModelUnload": ADMINISTER,
        "TraceSetting": ADMINISTER,
        "LogSettings": ADMINISTER,
        "SystemSharedMemoryStatus": READ,
        "SystemSharedMemoryRegister": WORK,
        "SystemSharedMemoryUnregister": WORK,
        "CudaSharedMemoryStatus": READ,
        "CudaSharedMemoryRegister": WORK,
        "CudaSharedMemoryUnregister": WORK,
    },
    "palmette.v1.JobService": {
        "SubmitJob": Rule(Role.OPERATOR, timeout_s=90),  # a service that just started first loads its plugins
        "GetJob": READ,
        "ListJobs": READ,
        "WatchJob": READ,
        "CancelJob": REPEATABLE_WORK,
        "RetryJob": WORK,
        "DeleteJob": ADMINISTER,
    },
    "palmette.v1.PluginService": {
        "ListPlugins": Rule(Role.VIEWER, idempotent=True, timeout_s=90),  # the same
        "GetPlugin": Rule(Role.VIEWER, idempotent=True, timeout_s=90),
    },
    "palmette.v1.ArtifactService": {
        "GetArtifact": READ,
        "ListArtifacts": READ,
        "UploadArtifact": WORK,
        "GetUploadStatus": READ,
        "DownloadArtifact": READ,
        "DeleteArtifact": ADMINISTER,
        "GetLineage": READ,
        "CollectGarbage": Rule(Role.ADMIN, timeout_s=600),
    },
    "palmette.v1.SuiteService": {"GetHealth": READ, "WatchHealth": READ},
    "palmette.v1.TokenService": {"IssueToken": ADMINISTER, "GetIdentity": READ},
    "palmette.serving.v1.DeploymentService": {
        "CreateDeployment": WORK,
        "GetDeployment": READ,
        "ListDeployments": READ,
        "WatchDeployment": READ,
        "RollbackDeployment": Rule(Role.OPERATOR, timeout_s=120),  # loads and warms the old version
        "DeleteDeployment": Rule(Role.ADMIN, timeout_s=120),  # drains first
        "GetDeploymentStats": READ,
    },
    "palmette.pruning_growth.v1.PruningGrowthService": {
        "InspectModel": Rule(Role.VIEWER, idempotent=True, timeout_s=120),  # may load a model from disk
        "PlanSparsity": Rule(Role.VIEWER, idempotent=True, timeout_s=120),
    },
    "palmette.data_filtering.v1.DataFilteringService": {
        "ScorePairs": Rule(Role.VIEWER),  # a stream: what was answered is not asked again
    },
    "palmette.guided_training.v1.GuidedTrainingService": {
        "CompareRepresentations": Rule(Role.VIEWER, idempotent=True, timeout_s=120),  # may load models and data
    },
    "palmette.nas.v1.NasService": {
        "Specialize": Rule(Role.OPERATOR, timeout_s=120),  # writes an artifact
        "EstimateArchitecture": Rule(Role.VIEWER, idempotent=True, timeout_s=120),
    },
    # Check says only that the gateway serves: load balancers and probes have no token.
    "grpc.health.v1.Health": {"Check": PUBLIC, "Watch": READ, "List": READ},
    "grpc.reflection.v1alpha.ServerReflection": {"ServerReflectionInfo": READ},
    "grpc.reflection.v1.ServerReflection": {"ServerReflectionInfo": READ},
}

# Between a service and its workers; never reachable from outside.
INTERNAL = frozenset({"palmette.worker.v1.WorkerService"})
