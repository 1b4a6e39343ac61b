"""What a request to deploy may ask for, and what is said about one that asks for something else."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.services.serving.artifacts.conftest import commit

from palmette_plugins.api import ArtifactKind
from palmette_plugins.api.artifacts import ArtifactStore
from palmette_plugins.api.errors import InvalidArgument, NotFound
from palmette_protos.serving.v1 import deployment_pb2 as pb
from palmette_services.serving.deployments.requests import parse_creation

UNKNOWN = "artifacts/" + "ab" * 32


@pytest.fixture
def store(store_path: Path) -> ArtifactStore:
    return ArtifactStore(str(store_path))


def wrong(request: pb.CreateDeploymentRequest, store: ArtifactStore) -> dict[str, str]:
    """Return what is said about each field."""
    with pytest.raises(InvalidArgument) as refused:
        parse_creation(request, store)
    return {violation.field: violation.description for violation in refused.value.violations}


@pytest.mark.parametrize("artifact", [UNKNOWN, UNKNOWN[:20]])
def test_a_bad_id_and_an_unknown_artifact_are_said_together(store: ArtifactStore, artifact: str) -> None:
    settings = pb.ServingSettings(max_batch_size=5000)
    request = pb.CreateDeploymentRequest(deployment_id="Bad_Name", artifact=artifact, settings=settings)

    found = wrong(request, store)

    assert set(found) == {"deployment_id", "artifact", "settings.max_batch_size"}
    assert "no artifact" in found["artifact"]


def test_an_unknown_artifact_alone_is_not_found(store: ArtifactStore) -> None:
    with pytest.raises(NotFound, match="no artifact"):
        parse_creation(pb.CreateDeploymentRequest(deployment_id="good", artifact=UNKNOWN), store)


def test_what_is_no_model_is_said_together_with_the_rest(store: ArtifactStore) -> None:
    table = commit(store, kind=ArtifactKind.TABLE)
    request = pb.CreateDeploymentRequest(deployment_id="2nd", artifact=f"artifacts/{table}", rtol=float("nan"))

    found = wrong(request, store)

    assert set(found) == {"deployment_id", "artifact", "rtol"}
    assert found["artifact"] == "is a table; a model or a servable can be deployed"


def test_a_good_request_takes_the_start_of_an_id_and_the_default_tolerances(store: ArtifactStore) -> None:
    model = commit(store)

    new = parse_creation(pb.CreateDeploymentRequest(deployment_id="good", artifact=f"artifacts/{model[:8]}"), store)

    assert (new.deployment_id, new.artifact, new.servable) == ("good", model, "")
    assert (new.atol, new.rtol) == (1e-4, 1e-3)
