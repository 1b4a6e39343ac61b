"""Which part of the suite answers a gRPC service."""

from __future__ import annotations

import re

CONTROL_PLANE = "control_plane"
DASHBOARD = "dashboard"
TRITON = "triton"

# Implemented by every service; a header chooses one, and the control plane answers for all.
SHARED = frozenset({"palmette.v1.JobService", "palmette.v1.PluginService"})
ARTIFACTS = "palmette.v1.ArtifactService"
ARTIFACTS_OWNER = "serving"
SERVICE_HEADER = "x-palmette-service"

_DOMAIN = re.compile(r"palmette\.([a-z][a-z0-9_]*)\.v\d+\.")


def destination(service: str) -> str:
    """Name of the cluster that answers `service` when no header says otherwise.

    That is ``triton``, ``control_plane`` or the name of a Palmette service.
    """
    if service.startswith("inference."):
        return TRITON
    if service == ARTIFACTS:
        return ARTIFACTS_OWNER
    domain = _DOMAIN.match(service)
    return domain[1] if domain else CONTROL_PLANE
