"""Commands: what they print, as text and as JSON, and how they end."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from tests.sdk.cli.conftest import RANDOM_PRUNING, Run
from tests.sdk.tiny_suite import TinySuite

from palmette.cli.exit_codes import ExitCode
from palmette_protos.v1 import job_pb2


def test_plugins_show_their_settings_as_a_table(palmette: Run) -> None:
    shown = palmette("plugins", "show", "random-pruning").out

    assert "density" in shown
    assert "> 0, <= 1" in shown
    assert "recipe.epochs" in shown


def test_plugins_list_is_a_table_and_json(palmette: Run) -> None:
    assert "random-pruning in one sentence." in palmette("plugins", "list").out
    listed = palmette("plugins", "list", "--json").json["plugins"]
    assert [plugin["name"].rsplit("/", 1)[-1] for plugin in listed] == [
        "random-pruning",
        "model-averaging",
        "twice",
        "twice",
    ]


def test_cut_list_of_jobs_says_how_many_there_are(palmette: Run, suite: TinySuite, job: str) -> None:
    palmette(*RANDOM_PRUNING, "--detach", "--json")

    cut, whole = palmette("jobs", "list", "--limit", "1"), palmette("jobs", "list")

    assert "showing 1 of 2 jobs; --limit shows more" in cut.err
    assert "showing" not in whole.err
    assert palmette("jobs", "list", "--limit", "1", "--json").json["total"] == 2


def test_lists_say_which_services_they_lack(palmette: Run, suite: TinySuite, job: str) -> None:
    suite.jobs.unreachable = {"nas": "nas at 127.0.0.1:1 did not answer in time"}

    plugins, jobs = palmette("plugins", "list"), palmette("jobs", "list")

    assert "the plugins of retrieval are missing: it is starting" in plugins.err
    assert "the jobs of nas are missing: nas at 127.0.0.1:1 did not answer in time" in jobs.err
    assert palmette("plugins", "list", "--json").json["unreachable"] == {"retrieval": "it is starting"}
    assert palmette("jobs", "list", "--json").json["unreachable"] == suite.jobs.unreachable
    assert (plugins.code, jobs.code) == (ExitCode.OK, ExitCode.OK)


def test_a_run_takes_settings_inputs_labels_and_seed(palmette: Run, suite: TinySuite) -> None:
    done = palmette(
        *RANDOM_PRUNING,
        "--detach",
        "--set",
        "density=0.1",
        "--set",
        "recipe.epochs=2",
        "--seed",
        "5",
        "--label",
        "team=vision",
    )

    sent = suite.jobs.requests[0].job
    assert done.code == 0
    assert dict(sent.config["recipe"]) == {"epochs": 2}
    assert (sent.seed, dict(sent.labels)) == (5, {"team": "vision"})


def test_list_inputs_are_given_by_repeating_them(palmette: Run, suite: TinySuite) -> None:
    palmette(
        "run",
        "model-averaging",
        "--input",
        "models=artifact:aaaaaaaa",
        "--input",
        "models=artifact:bbbbbbbb",
        "--data",
        "digits",
        "--detach",
    )

    assert list(suite.jobs.requests[0].job.inputs["models"].references) == ["artifact:aaaaaaaa", "artifact:bbbbbbbb"]


def test_jobs_list_show_watch_and_logs(palmette: Run, suite: TinySuite, job: str) -> None:
    suite.jobs.set_state(job, job_pb2.JOB_STATE_RUNNING)
    suite.jobs.append(job, log=job_pb2.LogLine(severity=job_pb2.LOG_SEVERITY_INFO, text="hello [from] the job"))
    suite.jobs.append(job, metric=job_pb2.Metric(name="test/accuracy", value=0.9))
    suite.jobs.succeed(job, model="artifacts/" + "a" * 64)

    listed, shown = palmette("jobs", "list", "--json").json["jobs"], palmette("jobs", "show", job).out
    watched = [json.loads(line) for line in palmette("jobs", "watch", job, "--json").out.splitlines()]

    assert [each["name"] for each in listed] == [job]
    assert "test/accuracy" in shown
    assert [event["sequence"] for event in watched] == [1, 2, 3, 4, 5]
    assert watched[-1]["event"] == "StateChanged"
    assert palmette("jobs", "logs", job).out.strip().endswith("hello [from] the job")
    assert listed[0]["outputs"] == {"model": ["artifacts/" + "a" * 64]}


def test_cancel_retry_and_delete(palmette: Run, suite: TinySuite, job: str) -> None:
    assert palmette("jobs", "cancel", job, "--json").json["state"] == "CANCELLED"
    assert palmette("jobs", "retry", job, "--json").json["state"] == "QUEUED"
    palmette("jobs", "cancel", job)
    assert palmette("jobs", "delete", job, "--json").json == {"deleted": job}
    assert suite.jobs.jobs == {}


def test_artifacts_download_and_lineage_commands(palmette: Run, suite: TinySuite, tmp_path: Path) -> None:
    name = suite.artifacts.add({"weights": b"abc"})

    assert palmette("artifacts", "download", name[10:20], str(tmp_path / "x")).code == 0
    assert (tmp_path / "x" / "weights").read_bytes() == b"abc"
    assert palmette("artifacts", "show", name, "--json").json["files"][0]["path"] == "weights"
    uploaded = palmette("artifacts", "upload", str(tmp_path / "x"), "--json").json
    assert uploaded["name"] == name


def test_a_job_is_shown_as_its_command_line_wrote_it(palmette: Run) -> None:
    settings = ("--set", "recipe.epochs=2", "--label", "team=vision")
    name = palmette(*RANDOM_PRUNING, *settings, "--detach", "--json").json["name"]

    shown = palmette("jobs", "show", name).out

    assert "label: team=vision" in shown
    assert ["recipe.epochs", "2"] in [line.split() for line in shown.splitlines()]


def test_a_job_without_a_log_says_so(palmette: Run, job: str) -> None:
    logs = palmette("jobs", "logs", job)

    assert (logs.code, logs.out) == (ExitCode.OK, "")
    assert "logged nothing" in logs.err


def test_watching_ends_with_how_it_ended(palmette: Run, suite: TinySuite, job: str) -> None:
    suite.jobs.fail(job, "out of luck", "RuntimeError", "")
    good = palmette("deploy", "create", "good", "artifacts/" + "a" * 64, "--no-wait", "--json").json["name"]
    served = palmette("deploy", "watch", good)
    suite.deployments.refuse = "outputs differ"
    palmette("deploy", "create", "good", "artifacts/" + "b" * 64, "--no-wait")
    refused = palmette("deploy", "watch", good, "--json")

    assert palmette("jobs", "watch", job).code == ExitCode.FAILED
    assert served.code == ExitCode.OK
    assert served.out.splitlines()[-1].endswith("version 1 READY")
    assert refused.code == ExitCode.FAILED
    assert [json.loads(line)["state"] for line in refused.out.splitlines()] == ["EXPORTING", "FAILED"]


def test_deploy_and_infer(palmette: Run, tmp_path: Path) -> None:
    deployed = palmette("deploy", "create", "double", "artifacts/" + "a" * 64, "--json").json
    np.save(tmp_path / "images.npy", np.ones((5, 2, 3)))

    inferred = palmette("infer", "double", str(tmp_path / "images.npy"), "--json", "--save", str(tmp_path / "out.npy"))

    assert deployed["serving_version"] == 1
    assert inferred.json["outputs"]["output"][0] == [[2.0] * 3] * 2
    assert np.load(tmp_path / "out.npy").shape == (5, 2, 3)


def test_whoami_and_tokens(palmette: Run) -> None:
    assert palmette("auth", "whoami", "--json").json["role"] == "admin"
    assert palmette("auth", "token", "ci", "--role", "operator", "--days", "2").out.strip() == "ci.ROLE_OPERATOR.2"


def test_the_login_link_is_one_line_that_ends_with_the_token(palmette: Run, suite: TinySuite) -> None:
    token = "ey" + "J0" * 200
    suite.gate.token = token

    shown = palmette("auth", "login-link", PALMETTE_TOKEN=token)

    assert shown.out == f"http://{suite.address}/login#token={token}\n"
    assert "admin" in shown.err
    assert token not in shown.err


def test_an_issued_token_is_one_line_however_long(palmette: Run) -> None:
    name = "a" * 300

    assert palmette("auth", "token", name, "--days", "2").out == f"{name}.ROLE_VIEWER.2\n"
