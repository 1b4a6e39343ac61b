"""How commands end: exit codes, and errors as text and as JSON."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tests.sdk.cli.conftest import RANDOM_PRUNING, Run
from tests.sdk.deadlines import wait_until
from tests.sdk.tiny_suite import TinySuite

from palmette.cli.exit_codes import ExitCode
from palmette_protos.v1 import job_pb2


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
