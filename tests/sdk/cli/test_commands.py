"""Commands: what they print, as text and as JSON, and how they end."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.sdk.cli.conftest import Run
from tests.sdk.deadlines import wait_until
from tests.sdk.tiny_suite import TinySuite

from palmette.cli.exit_codes import ExitCode
from palmette_protos.v1 import job_pb2

RANDOM_PRUNING = ("run", "random-pruning", "--model", "zoo:resnet20", "--data", "digits")


@pytest.fixture
def job(palmette: Run) -> str:
    submitted = palmette(*RANDOM_PRUNING, "--detach", "--json")
    return str(submitted.json["name"])


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


def test_health_ends_with_3_unless_all_is_well(palmette: Run) -> None:
    found = palmette("health")

    assert found.code == ExitCode.UNAVAILABLE
    assert "it is starting" in found.out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("run",), ExitCode.USAGE, "Missing argument"),
        (("nonsense",), ExitCode.USAGE, "No such command"),
        ((*RANDOM_PRUNING, "--set", "density"), ExitCode.INVALID, "NAME=VALUE"),
        ((*RANDOM_PRUNING, "--set", "density=-1"), ExitCode.INVALID, "config.density: must be greater than 0"),
        (("plugins", "show", "randm-pruning"), ExitCode.NOT_FOUND, "did you mean"),
        (("jobs", "show", "services/nas/jobs/NONE"), ExitCode.NOT_FOUND, "no job named"),
        (("infer", "triple", __file__), ExitCode.INVALID, "cannot be read"),
    ],
)
def test_failures_end_with_their_code_and_no_traceback(
    palmette: Run, arguments: tuple[str, ...], code: ExitCode, message: str
) -> None:
    done = palmette(*arguments)

    assert done.code == code
    assert message in " ".join(done.err.replace("│", "").split())
    assert "Traceback" not in done.err
    assert done.out == ""


def test_a_wrong_token_ends_with_5(palmette: Run) -> None:
    assert palmette("jobs", "list", PALMETTE_TOKEN="wrong").code == ExitCode.DENIED


def test_no_suite_ends_with_3(palmette: Run) -> None:
    done = palmette("jobs", "list", PALMETTE_ENDPOINT="127.0.0.1:1")

    assert done.code == ExitCode.UNAVAILABLE
    assert "palmette up" in done.err


def test_errors_are_json_too(palmette: Run) -> None:
    done = palmette(*RANDOM_PRUNING, "--set", "density=-1", "--json")

    error = json.loads(done.err)["error"]
    assert error["violations"] == [{"field": "config.density", "description": "must be greater than 0"}]
    assert error["exit_code"] == done.code == ExitCode.INVALID


def test_a_failed_job_ends_with_1_and_its_cause(suite: TinySuite, palmette: Run) -> None:
    import threading

    def fail() -> None:
        wait_until(lambda: suite.jobs.jobs)
        suite.jobs.fail(next(iter(suite.jobs.jobs)), "out of luck", "RuntimeError", "line 1\nline 2")

    failing = threading.Thread(target=fail)
    failing.start()
    done = palmette(*RANDOM_PRUNING)
    failing.join()

    assert done.code == ExitCode.FAILED
    assert "RuntimeError: out of luck" in done.err
    assert "line 2" in done.err


def test_ctrl_c_ends_with_130_and_leaves_the_job(suite: TinySuite) -> None:
    import os

    command = [sys.executable, "-m", "palmette.cli.main", *RANDOM_PRUNING]
    environment = {**os.environ, "PALMETTE_ENDPOINT": suite.address, "PALMETTE_TOKEN": suite.token}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as running:
        wait_until(lambda: suite.jobs.watches, what="the watch")
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=20)

    assert running.returncode == ExitCode.INTERRUPTED
    assert "Traceback" not in err
    assert next(iter(suite.jobs.jobs.values())).state == job_pb2.JOB_STATE_QUEUED


def test_a_pipeline_is_checked_whole_before_anything_runs(palmette: Run, suite: TinySuite, tmp_path: Path) -> None:
    file = tmp_path / "pipeline.yaml"
    step = "{plugin: random-pruning, inputs: {model: m, data: digits}, config: {density: DENSITY}}"
    good, bad = step.replace("DENSITY", "0.1"), step.replace("DENSITY", "-1")
    file.write_text(f"name: two\nsteps:\n  one: {good}\n  two: {bad}\n")

    wrong = palmette("run", str(file))
    file.write_text(f"name: two\nsteps:\n  one: {good}\n")
    checked = palmette("run", str(file), "--check")
    refused = palmette("run", str(file), "--model", "zoo:mlp", "--detach", "--json")

    assert wrong.code == ExitCode.INVALID
    assert "steps.two.config.density" in wrong.err
    assert checked.out == "two: nothing is wrong with one\n"
    assert [each["field"] for each in json.loads(refused.err)["error"]["violations"]] == ["--model", "--detach"]
    assert suite.jobs.jobs == {}


def test_shell_completion_is_there(palmette: Run) -> None:
    done = palmette("--show-completion", "bash")

    assert "_PALMETTE_COMPLETE" in done.out + done.err
