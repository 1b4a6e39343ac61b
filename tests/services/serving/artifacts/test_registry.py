"""What the store holds is found, searched, related and deleted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from tests.services.serving.artifacts.conftest import Registry
from tests.services.serving.artifacts.transfers import refusal

from palmette_plugins.api import ArtifactKind
from palmette_protos.v1 import artifact_pb2 as pb


async def listed(registry: Registry, **fields: object) -> list[str]:
    response = await registry.stub.ListArtifacts(pb.ListArtifactsRequest(**fields))
    return [artifact.name.removeprefix("artifacts/") for artifact in response.artifacts]


def at(day: int) -> datetime:
    return datetime(2026, 1, day, tzinfo=UTC)


async def test_what_jobs_commit_is_listed_at_once_newest_first(registry: Registry) -> None:
    old = registry.commit(create_time=at(1))
    new = registry.commit(create_time=at(2))
    assert await listed(registry) == [new, old]
    registry.store.delete(old)
    assert await listed(registry) == [new]


async def test_artifact_says_all_that_its_manifest_says(registry: Registry) -> None:
    identifier = registry.commit(
        {"weights.bin": b"1234"},
        metrics={"accuracy": 0.5},
        figures={"curve": {"mark": "line"}},
        inputs={"model": ["zoo:mlp"]},
        config={"epochs": 3},
        plugin="pruning_growth/dense-training",
        seed=7,
    )
    response = await registry.stub.GetArtifact(pb.GetArtifactRequest(name=f"artifacts/{identifier[:8]}"))
    artifact = response.artifact
    assert (artifact.kind, artifact.size_bytes, artifact.seed) == ("model", 4, 7)
    assert dict(artifact.metrics) == {"accuracy": 0.5}
    assert dict(artifact.figures) == {"curve": '{"mark":"line"}'}
    assert artifact.inputs["model"][0] == "zoo:mlp"
    assert artifact.config["epochs"] == 3
    assert artifact.manifest == registry.store.manifest_bytes(identifier)


async def test_filters_and_pages_together_find_everything_once(registry: Registry) -> None:
    models = [registry.commit(create_time=at(day), plugin=f"a/{day % 2}", task="classification") for day in range(1, 8)]
    registry.commit(create_time=at(9), kind=ArtifactKind.TABLE)
    wanted = "kind=model AND plugin=a/1,a/2"
    first = await registry.stub.ListArtifacts(pb.ListArtifactsRequest(filter=wanted, page_size=3))
    rest = await registry.stub.ListArtifacts(
        pb.ListArtifactsRequest(filter=wanted, page_size=3, page_token=first.next_page_token)
    )
    names = [artifact.name.removeprefix("artifacts/") for artifact in (*first.artifacts, *rest.artifacts)]
    assert names == [models[index] for index in (6, 4, 2, 0)]
    assert rest.next_page_token == ""


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"filter": "colour=red"}, "cannot be filtered by"),
        ({"filter": "model"}, "is not a condition"),
        ({"page_size": -1}, "negative"),
        ({"page_token": "nonsense"}, "not a token"),
    ],
)
async def test_wrong_lists_are_refused(registry: Registry, fields: dict[str, object], said: str) -> None:
    code, details = await refusal(registry.stub.ListArtifacts(pb.ListArtifactsRequest(**fields)))
    assert (code, said in details) == ("INVALID_ARGUMENT", True)


async def test_damaged_manifest_hides_only_its_own_artifact(registry: Registry) -> None:
    good, bad = registry.commit(create_time=at(1)), registry.commit(create_time=at(2))
    (registry.root / "manifests" / f"{bad}.json").write_text("{}")
    assert await listed(registry) == [good]
    code, details = await refusal(registry.stub.GetArtifact(pb.GetArtifactRequest(name=f"artifacts/{bad}")))
    assert (code, bad in details) == ("DATA_LOSS", True)


async def test_lineage_holds_ancestors_and_descendants_and_not_cousins(registry: Registry) -> None:
    left, right = registry.commit(create_time=at(1)), registry.commit(create_time=at(2))
    child = registry.commit(create_time=at(3), parents=(left, right), plugin="x/average")
    grandchild = registry.commit(create_time=at(4), parents=(child,))
    registry.commit(create_time=at(5), parents=(left,))
    graph = await registry.stub.GetLineage(pb.GetLineageRequest(name=f"artifacts/{child}"))
    assert {artifact.name[10:] for artifact in graph.artifacts} == {left, right, child, grandchild}
    assert {(edge.parent[10:], edge.child[10:]) for edge in graph.edges} == {
        (left, child),
        (right, child),
        (child, grandchild),
    }
    assert {edge.plugin for edge in graph.edges if edge.child[10:] == child} == {"x/average"}


def deletion(identifier: str, *, force: bool = False) -> pb.DeleteArtifactRequest:
    return pb.DeleteArtifactRequest(name=f"artifacts/{identifier}", force=force)


async def test_what_others_were_made_from_is_deleted_only_by_force(registry: Registry) -> None:
    parent = registry.commit(create_time=at(1))
    child = registry.commit(create_time=at(2), parents=(parent,))
    code, details = await refusal(registry.stub.DeleteArtifact(deletion(parent)))
    assert (code, child[:12] in details) == ("FAILED_PRECONDITION", True)
    await registry.stub.DeleteArtifact(deletion(parent, force=True))
    assert await listed(registry) == [child]


async def test_exports_go_with_their_model(registry: Registry) -> None:
    model = registry.commit(create_time=at(1))
    registry.commit(create_time=at(2), parents=(model,), kind=ArtifactKind.SERVABLE)
    await registry.stub.DeleteArtifact(deletion(model))
    assert await listed(registry) == []


async def test_deployed_artifact_is_never_deleted(registry: Registry) -> None:
    model = registry.commit()
    registry.deployed[model] = "deployments/digits (version 1)"
    code, details = await refusal(registry.stub.DeleteArtifact(deletion(model, force=True)))
    assert code == "FAILED_PRECONDITION"
    assert details.startswith("deployments/digits (version 1) needs")


async def test_garbage_is_told_first_and_then_removed(registry: Registry) -> None:
    now = datetime.now(UTC)
    unkept = registry.commit({"f": b"unkept"}, create_time=now - timedelta(days=40))
    ancestor = registry.commit({"f": b"ancestor"}, create_time=now - timedelta(days=50))
    young = registry.commit({"f": b"young"}, create_time=now, parents=(ancestor,))
    deployed = registry.commit({"f": b"deployed"}, create_time=now - timedelta(days=60))
    registry.deployed[deployed] = "deployments/digits (version 1)"
    request = pb.CollectGarbageRequest(dry_run=True, unreferenced_older_than_days=30)
    told = await registry.stub.CollectGarbage(request)
    assert [name[10:] for name in told.artifacts] == [unkept]
    assert len(await listed(registry)) == 4
    request.dry_run = False
    done = await registry.stub.CollectGarbage(request)
    assert list(done.artifacts) == list(told.artifacts)
    assert set(await listed(registry)) == {ancestor, young, deployed}
