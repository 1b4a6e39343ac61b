"""What the processes of a suite are told."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from palmette.home import Home
from palmette.launcher.installed import Installed, find_installed
from palmette.launcher.plan import make_plan


def test_every_process_is_told_where_traces_go_and_none_who_the_user_is(tmp_path: Path) -> None:
    installed = Installed(("pruning_growth", "serving"), gateway=True, envoy=Path("/bin/true"), triton_venv=None)
    base = {
        "PALMETTE_OTLP_ENDPOINT": "http://127.0.0.1:4317",
        "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
        "PALMETTE_TOKEN": "secret",
    }
    plan = make_plan(Home(tmp_path), installed, 8080, base, tmp_path)

    assert {"pruning_growth", "gateway", "envoy"} <= {process.name for process in plan.processes}
    for process in plan.processes:
        assert process.environment["PALMETTE_OTLP_ENDPOINT"] == base["PALMETTE_OTLP_ENDPOINT"]
        assert process.environment["OTEL_TRACES_SAMPLER"] == base["OTEL_TRACES_SAMPLER"]
        assert "PALMETTE_TOKEN" not in process.environment


def test_triton_listens_on_a_socket_that_everybody_who_calls_it_is_told_and_on_no_port(tmp_path: Path) -> None:
    installed = Installed(("serving",), gateway=True, envoy=Path("/envoy"), triton_venv=Path("/triton"))

    plan = make_plan(Home(tmp_path / "home"), installed, 8080, {}, tmp_path)

    processes = {process.name: process for process in plan.processes}
    socket = processes["triton"].sockets["grpc"]
    assert Path(socket).parent == tmp_path
    assert list(processes["triton"].ports) == ["metrics"]
    for name in ("serving", "gateway"):
        assert processes[name].environment["PALMETTE_TRITON_ENDPOINT"] == f"unix:{socket}"


def test_envoys_own_log_is_json_lines(tmp_path: Path) -> None:
    home = Home(tmp_path)
    plan = make_plan(home, find_installed(), 8080, {}, tmp_path)
    (envoy,) = [process for process in plan.processes if process.name == "envoy"]
    home.envoy.mkdir(parents=True)
    (home.envoy / "envoy.yaml").write_text('no_such_field: "with quotes"')

    done = subprocess.run([*envoy.command, "--mode", "validate"], capture_output=True, text=True, check=False)

    lines = [json.loads(line) for line in done.stderr.splitlines() if "initializing" in line]
    assert [(line["level"], line["logger"]) for line in lines] == [("critical", "envoy.main")]
    assert "envoy.yaml" in lines[0]["event"]
