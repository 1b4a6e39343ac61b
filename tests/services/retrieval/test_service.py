"""The service: its plugins, and a submission that is checked against the collection that it names."""

from __future__ import annotations

from pathlib import Path

import grpc
import pytest
from palmette_test_service.process import ServiceProcess

from palmette_plugins.api.artifacts import ArtifactStore
from palmette_protos.v1 import job_pb2, plugin_pb2


def collection(folder: Path, judged: str = "d1") -> str:
    """Write a collection of two passages and one query; return its reference."""
    (folder / "qrels").mkdir(parents=True)
    (folder / "corpus.jsonl").write_text(
        '{"_id": "d1", "title": "", "text": "cats chase mice"}\n{"_id": "d2", "title": "", "text": "the cheese"}\n'
    )
    (folder / "queries.jsonl").write_text('{"_id": "q1", "text": "cats mice"}\n')
    (folder / "qrels" / "test.tsv").write_text(f"query-id\tcorpus-id\tscore\nq1\t{judged}\t1\n")
    return f"beir:{folder}"


def submission(data: str) -> job_pb2.SubmitJobRequest:
    job = job_pb2.Job(plugin="beir", seed=0)
    job.inputs["sets"].references.append(data)
    job.config.update({"models": ["bm25_flat"]})
    return job_pb2.SubmitJobRequest(parent="services/retrieval", job=job)


def test_every_plugin_is_ready(service: ServiceProcess) -> None:
    plugins = service.plugins.ListPlugins(plugin_pb2.ListPluginsRequest(), timeout=90).plugins
    states = {plugin.name.rsplit("/", 1)[-1]: plugin.state for plugin in plugins}
    assert "beir" in states
    assert set(states.values()) == {plugin_pb2.PLUGIN_STATE_READY}


def test_a_job_measures_bm25_on_a_collection(service: ServiceProcess, tmp_path: Path) -> None:
    name = service.jobs.SubmitJob(submission(collection(tmp_path / "tiny")), timeout=90).job.name
    job = service.wait(name, within_s=120)
    assert job.state == job_pb2.JOB_STATE_SUCCEEDED, job.error
    store = ArtifactStore(str(service.folder / "artifacts"))
    plugins = {store.manifest(artifact).plugin for output in job.outputs.values() for artifact in output.names}
    assert plugins == {"retrieval/beir"}


def test_a_judgement_of_an_unknown_passage_is_refused(service: ServiceProcess, tmp_path: Path) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        service.jobs.SubmitJob(submission(collection(tmp_path / "wrong", judged="d9")), timeout=90)
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert "d9" in caught.value.details()
