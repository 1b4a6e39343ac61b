"""Inference through the gateway, with authentication, against direct Triton and against a proxy in grpc.aio.

python benchmarks/gateway_throughput.py [--seconds 4] [--rounds 3] [--json FILE]

Starts a real Triton with one small model, the gateway with its Envoy, and the proxy; loads each with h2load in turn
and again, so that a busy machine disturbs all alike; prints one table of medians over the rounds. Triton listens on its
Unix domain socket, as under `palmette up`: h2load calls it there directly, Envoy and the proxy forward to it there, and
h2load calls those two on their ports.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
from first_ten import MODEL, framed, inference_request, write_model
from tritonclient.grpc import service_pb2, service_pb2_grpc

ROOT = Path(__file__).resolve().parents[1]
METHOD = "/inference.GRPCInferenceService/ModelInfer"
BARS = {"throughput": 0.55, "added_ms": 0.5, "against_proxy": 2.5}


@dataclass(frozen=True)
class Target:
    """Where to send load, and what a call needs there."""

    name: str
    address: str
    token: str = ""

    @property
    def destination(self) -> list[str]:
        """What tells h2load where to connect to."""
        on_a_socket = self.address.startswith("unix:")
        base = [f"--base-uri={self.address}"] if on_a_socket else []
        return [*base, f"http://{'localhost' if on_a_socket else self.address}{METHOD}"]


@dataclass(frozen=True)
class Load:
    """What h2load measured."""

    calls_per_s: float
    median_ms: float


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=4, help="length of one load")
    parser.add_argument("--rounds", type=int, default=3, help="loads of each target")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    arguments = parser.parse_args()
    if shutil.which("h2load") is None:
        sys.exit("h2load is missing: install the Debian package nghttp2-client")
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as running:
        targets = start_everything(Path(folder), running)
        body = Path(folder) / "request"
        body.write_bytes(framed(inference_request()))
        for target in targets:
            check(target)
        wide = measure(targets, body, 16, arguments)
        narrow = measure(targets, body, 1, arguments)
    return report(wide, narrow, arguments.json)


def start_everything(folder: Path, running: contextlib.ExitStack) -> list[Target]:
    """Start Triton, gateway, Envoy and proxy; return the three ways to Triton."""
    metrics, control, dashboard, public, admin, proxy = free_ports(6)
    socket_path = folder / "sockets" / "triton:1"
    triton = f"unix:{socket_path}"
    write_model(folder / "models")
    server = [sys.executable, "-m", "palmette_services.serving.triton.local_server"]
    server += ["--venv", str(ROOT / ".venv-triton"), "--repository", str(folder / "models")]
    server += ["--socket", str(socket_path), "--metrics-port", str(metrics)]
    start(running, folder / "triton.log", server)
    load_model(triton)
    environment = {
        "PALMETTE_GATEWAY_LISTEN": f"127.0.0.1:{control}",
        "PALMETTE_DASHBOARD_LISTEN": f"127.0.0.1:{dashboard}",
        "PALMETTE_ENVOY_LISTEN": f"127.0.0.1:{public}",
        "PALMETTE_ENVOY_ADMIN": f"127.0.0.1:{admin}",
        "PALMETTE_ENVOY_CONFIG_DIR": str(folder / "envoy"),
        "PALMETTE_AUTH_DIR": str(folder / "auth"),
        "PALMETTE_TRITON_ENDPOINT": triton,
        "PALMETTE_RATE_LIMIT_PER_S": "1000000",
        "PALMETTE_RATE_LIMIT_BURST": "1000000",
    }
    start(running, folder / "gateway.log", [sys.executable, "-m", "palmette_gateway"], environment)
    wait_for(lambda: listens(control), "the gateway", folder / "gateway.log")
    envoy = Path(sys.executable).with_name("envoy")
    command = [str(envoy), "-c", str(folder / "envoy" / "envoy.yaml"), "--log-level", "warning"]
    start(running, folder / "envoy.log", [*command, "--disable-hot-restart"])
    wait_for(lambda: listens(public), "Envoy", folder / "envoy.log")
    program = [sys.executable, str(ROOT / "benchmarks" / "grpc_aio_proxy.py")]
    start(running, folder / "proxy.log", [*program, f"127.0.0.1:{proxy}", triton])
    wait_for(lambda: listens(proxy), "the proxy", folder / "proxy.log")
    token = (folder / "auth" / "token").read_text().strip()
    return [
        Target("direct", triton),
        Target("gateway", f"127.0.0.1:{public}", token),
        Target("grpc.aio proxy", f"127.0.0.1:{proxy}"),
    ]


def start(
    running: contextlib.ExitStack, log: Path, command: list[str], environment: dict[str, str] | None = None
) -> None:
    """Start a process that ends with this one."""
    process = subprocess.Popen(
        command, stdout=log.open("wb"), stderr=subprocess.STDOUT, env=os.environ | (environment or {})
    )
    running.callback(process.wait)
    running.callback(process.terminate)


def wait_for(condition: Callable[[], bool], what: str, log: Path, timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            sys.exit(f"{what} did not start:\n{log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.05)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_ports(count: int) -> Iterator[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return iter(ports)


def load_model(address: str) -> None:
    with grpc.insecure_channel(address) as channel:
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        request = service_pb2.RepositoryModelLoadRequest(model_name=MODEL)
        stub.RepositoryModelLoad(request, wait_for_ready=True, timeout=60)


def check(target: Target) -> None:
    """One call that must succeed: h2load itself does not look at gRPC's status."""
    with grpc.insecure_channel(target.address) as channel:
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        metadata = (("authorization", f"Bearer {target.token}"),) if target.token else ()
        response = stub.ModelInfer(inference_request(), metadata=metadata, wait_for_ready=True, timeout=30)
        assert len(response.raw_output_contents[0]) == 40, target.name


def measure(targets: list[Target], body: Path, clients: int, arguments: argparse.Namespace) -> list[dict[str, Load]]:
    """Load each target in turn, round after round; the first, unrecorded round warms up."""
    for target in targets:
        load(target, body, clients, 1)
    return [
        {target.name: load(target, body, clients, arguments.seconds) for target in targets}
        for _ in range(arguments.rounds)
    ]


def load(target: Target, body: Path, clients: int, seconds: float) -> Load:
    """Load one target. On a busy machine h2load rarely aborts, or ends without a call: then once more, three times."""
    for _ in range(3):
        measured = load_once(target, body, clients, seconds)
        if measured is not None:
            return measured
    sys.exit(f"h2load does not get through to {target.name} at {target.address}")


def load_once(target: Target, body: Path, clients: int, seconds: float) -> Load | None:
    log = body.with_suffix(".log")
    log.unlink(missing_ok=True)
    headers = ["content-type: application/grpc", "te: trailers"]
    if target.token:
        headers.append(f"authorization: Bearer {target.token}")
    options = [option for header in headers for option in ("--header", header)]
    command = ["h2load", "--clients", str(clients), "--max-concurrent-streams", "1", "--threads", "1"]
    command += ["--duration", f"{seconds:g}", "--data", str(body), "--log-file", str(log), *options]
    output = subprocess.run([*command, *target.destination], check=False, capture_output=True, text=True).stdout
    counts = re.search(r"requests: .* (\d+) succeeded, (\d+) failed", output)
    if counts is None or counts[1] == "0":
        return None
    assert counts[2] == "0", output
    microseconds = [int(line.split("\t")[2]) for line in log.read_text().splitlines()]
    return Load(int(counts[1]) / seconds, statistics.median(microseconds) / 1000)


def report(wide: list[dict[str, Load]], narrow: list[dict[str, Load]], path: Path | None) -> int:
    """Print the table, write the figures, and return 1 if a bar is missed."""
    rows = {}
    for name in wide[0]:
        rows[name] = {
            "calls_per_s_c16": statistics.median(each[name].calls_per_s for each in wide),
            "throughput": statistics.median(each[name].calls_per_s / each["direct"].calls_per_s for each in wide),
            "median_ms_c16": statistics.median(each[name].median_ms for each in wide),
            "median_ms_c1": statistics.median(each[name].median_ms for each in narrow),
            "added_ms": statistics.median(each[name].median_ms - each["direct"].median_ms for each in narrow),
        }
    print(f"{'':16}{'calls/s c=16':>14}{'of direct':>12}{'median c=16':>14}{'median c=1':>13}{'added c=1':>12}")
    for name, row in rows.items():
        print(
            f"{name:16}{row['calls_per_s_c16']:>14.0f}{row['throughput']:>11.2f}x{row['median_ms_c16']:>11.2f} ms"
            f"{row['median_ms_c1']:>10.2f} ms{row['added_ms']:>+9.2f} ms"
        )
    gateway = rows["gateway"]
    against = statistics.median(each["gateway"].calls_per_s / each["grpc.aio proxy"].calls_per_s for each in wide)
    results = [
        ("throughput against direct", f"{gateway['throughput']:.2f}x", gateway["throughput"] >= BARS["throughput"]),
        ("added median latency, c=1", f"{gateway['added_ms']:+.2f} ms", gateway["added_ms"] <= BARS["added_ms"]),
        ("throughput against the proxy", f"{against:.2f}x", against >= BARS["against_proxy"]),
    ]
    print()
    for (what, value, reached), bar in zip(results, BARS.values(), strict=True):
        print(f"{what:32}{value:>10}   bar {bar:g}: {'reached' if reached else 'missed'}")
    if path is not None:
        path.write_text(json.dumps({"targets": rows, "against_proxy": against, "bars": BARS}, indent=2) + "\n")
    return 0 if all(reached for *_, reached in results) else 1


if __name__ == "__main__":
    sys.exit(main())
