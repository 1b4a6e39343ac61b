"""`palmette models specialize` and `estimate`: what they ask, what they print."""

from __future__ import annotations

from google.protobuf.json_format import MessageToDict
from tests.sdk.cli.conftest import Run
from tests.sdk.tiny_suite import TinySuite

from palmette.cli.exit_codes import ExitCode


def test_specialize_sends_limits_and_prints_what_was_cut(palmette: Run, suite: TinySuite) -> None:
    done = palmette("models", "specialize", "artifact:0123456789ab", "--macs", "700000", "--seed", "3")
    assert MessageToDict(suite.nas.requests[0]) == {
        "supernet": "artifact:0123456789ab",
        "limits": {"macs": 700000.0},
        "seed": "3",
    }
    assert [line.split() for line in done.out.splitlines() if line.strip()][1:4] == [
        ["STAGE", "BLOCKS", "EXPAND", "KERNELS"],
        ["1", "1", "3", "3x3"],
        ["2", "2", "4", "6", "5x5", "7x7"],
    ]
    assert "12,345 parameters, 678,901 multiply-adds" in done.out
    assert "accuracy 0.9000 (expected 0.9100), 1.25 ms" in done.out
    assert f"artifacts/{'ab' * 32} in 2.5 s" in done.out
    assert (done.code, done.err) == (ExitCode.OK, "")


def test_specialize_as_json_names_the_artifact(palmette: Run) -> None:
    found = palmette("models", "specialize", "artifact:0123456789ab", "--latency-ms", "2", "--json").json
    assert found["artifact"] == f"artifacts/{'ab' * 32}"
    assert found["choice"] == {"depths": [1, 2], "expands": [3, 4, 6], "kernels": [3, 5, 7], "resolution": 28}


def test_estimate_describes_a_sub_network_and_tells_only_what_is_known(palmette: Run, suite: TinySuite) -> None:
    words = ("models", "estimate", "zoo:mobile-small-supernet", "--depth", "1", "--depth", "2", "--kernel", "3")
    plain = palmette(*words)
    assert MessageToDict(suite.nas.requests[0]) == {
        "supernet": "zoo:mobile-small-supernet",
        "choice": {"depths": [1, 2], "kernels": [3]},
    }
    assert "zoo:mobile-small?depths=1,2" in plain.out
    assert " ms " not in plain.out
    assert "expected" not in plain.out
    assert "1.25 ms for one image" in palmette(*words, "--latency").out
    assert palmette(*words, "--json").json["latency_ms"] is None
