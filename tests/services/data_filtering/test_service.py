"""The service end to end: a job that filters, then the same scores as a stream."""

from __future__ import annotations

import queue

import grpc
import pyarrow.parquet as pq
import pytest
from palmette_test_service.process import ServiceProcess
from tests.plugins.datasets.pair_files import rows, write_parquet

from palmette_plugins.api.artifacts import ArtifactStore
from palmette_plugins.datasets.pair_pool import RawPair
from palmette_protos.data_filtering.v1 import data_filtering_pb2, data_filtering_pb2_grpc
from palmette_protos.v1 import job_pb2, plugin_pb2

Request = data_filtering_pb2.ScorePairsRequest
RECIPE = {"batch_size": 16, "warmup_steps": 1, "precision": "fp32"}


@pytest.fixture(scope="session")
def pairs() -> list[RawPair]:
    """Twenty coloured squares; one image is none, one caption is empty."""
    made = [RawPair(*row) for row in rows(20)]
    made[3] = RawPair(made[3].uid, b"no image", "a white square")
    made[7] = RawPair(made[7].uid, made[7].image, "")
    return made


@pytest.fixture(scope="session")
def job(service: ServiceProcess, pairs: list[RawPair], tmp_path_factory: pytest.TempPathFactory) -> job_pb2.Job:
    """A job that filtered them."""
    file = tmp_path_factory.mktemp("pool") / "pool.parquet"
    write_parquet(file, [(pair.uid, bytes(pair.image), pair.caption) for pair in pairs])
    asked = job_pb2.Job(plugin="dfn", seed=3)
    for name in ("pool", "clean"):
        asked.inputs[name].references.append(f"pairs:{file}?size=8")
    asked.config.update(
        {
            "arch": "tiny?width=4&vocabulary=256",
            "fraction": 0.5,
            "filter_recipe": RECIPE,
            "filter_samples": 64,
            "train_induced": False,
        }
    )
    request = job_pb2.SubmitJobRequest(parent="services/data_filtering", job=asked)
    ended = service.wait(service.jobs.SubmitJob(request, timeout=90).job.name, within_s=120)
    assert ended.state == job_pb2.JOB_STATE_SUCCEEDED, ended.error
    return ended


@pytest.fixture
def stub(service: ServiceProcess) -> data_filtering_pb2_grpc.DataFilteringServiceStub:
    """The synchronous call."""
    return data_filtering_pb2_grpc.DataFilteringServiceStub(service.channel)


def header(job: job_pb2.Job) -> Request:
    artifact = job.outputs["filter"].names[0].removeprefix("artifacts/")
    return Request(header=data_filtering_pb2.ScorePairsHeader(filter=f"artifact:{artifact}"))


def message(pair: RawPair) -> Request:
    sent = data_filtering_pb2.ImageTextPair(uid=pair.uid, image=bytes(pair.image), caption=pair.caption)
    return Request(pair=sent)


def test_every_plugin_is_ready(service: ServiceProcess) -> None:
    plugins = service.plugins.ListPlugins(plugin_pb2.ListPluginsRequest(), timeout=90).plugins
    states = {plugin.name.rsplit("/", 1)[-1]: plugin.state for plugin in plugins}
    assert "dfn" in states
    assert set(states.values()) == {plugin_pb2.PLUGIN_STATE_READY}


def test_streamed_scores_are_those_of_the_job(
    service: ServiceProcess,
    job: job_pb2.Job,
    pairs: list[RawPair],
    stub: data_filtering_pb2_grpc.DataFilteringServiceStub,
) -> None:
    store = ArtifactStore(str(service.folder / "artifacts"))
    table = store.local_path(store.resolve(job.outputs["scores"].names[0]), "scores.parquet")
    expected = {row["uid"]: row for row in pq.read_table(table).to_pylist()}
    answers = list(stub.ScorePairs(iter([header(job), *map(message, pairs)]), timeout=90))
    assert [answer.uid for answer in answers] == [pair.uid for pair in pairs]
    for answer in answers:
        row = expected[answer.uid]
        assert answer.HasField("score") == (row["score"] is not None)
        assert answer.score == pytest.approx(row["score"] or 0.0, abs=1e-6)
    assert answers[3].dropped == data_filtering_pb2.DROP_CAUSE_UNREADABLE_IMAGE
    assert answers[7].dropped == data_filtering_pb2.DROP_CAUSE_EMPTY_CAPTION


def test_a_client_may_wait_for_each_answer(
    job: job_pb2.Job, pairs: list[RawPair], stub: data_filtering_pb2_grpc.DataFilteringServiceStub
) -> None:
    sent: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
    answers = stub.ScorePairs(iter(sent.get, None), timeout=90)
    sent.put(header(job))
    for pair in pairs[:3]:
        sent.put(message(pair))
        assert next(answers).uid == pair.uid
    sent.put(None)
    assert list(answers) == []


@pytest.mark.parametrize("case", ["no header", "no filter", "no artifact", "a table", "two headers"])
def test_bad_input_names_its_field(
    job: job_pb2.Job, stub: data_filtering_pb2_grpc.DataFilteringServiceStub, pairs: list[RawPair], case: str
) -> None:
    table = job.outputs["scores"].names[0].removeprefix("artifacts/")
    sent, field = {
        "no header": ([message(pairs[0])], "header"),
        "no filter": ([Request(header=data_filtering_pb2.ScorePairsHeader())], "header.filter"),
        "no artifact": ([Request(header=data_filtering_pb2.ScorePairsHeader(filter="clip:tiny"))], "header.filter"),
        "a table": (
            [Request(header=data_filtering_pb2.ScorePairsHeader(filter=f"artifact:{table}")), message(pairs[0])],
            "header.filter",
        ),
        "two headers": ([header(job), header(job)], "pair"),
    }[case]
    with pytest.raises(grpc.RpcError) as error:
        list(stub.ScorePairs(iter(sent), timeout=90))
    assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert field in error.value.details()
