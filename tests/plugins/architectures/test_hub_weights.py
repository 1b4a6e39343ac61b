"""Learned weights by name, on a machine that cannot reach the hub: refused in seconds, or taken from the cache."""

import json
import os
import re
import socket
import subprocess
import sys

import pytest
import safetensors.torch
import timm
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from palmette_plugins.api import InvalidArgument, Reference
from palmette_plugins.architectures.loading import inspect_model_reference
from palmette_plugins.architectures.timm_weights import weights_at_hand

NAME, REPOSITORY = "test_resnet", "timm/test_resnet.r160_in1k"
LONGEST_S = 20  # the hub's own retries take nearly a minute on a port that refuses, and minutes elsewhere

# The hub's settings are read when it is imported, so each case has a process of its own.
_PROGRAM = """
import json, sys, time
from palmette_plugins.api import PalmetteError
from palmette_plugins.architectures.loading import inspect_model_reference, load_model_reference

found = {}
for reference in sys.argv[1:]:
    started = time.monotonic()
    try:
        inspect_model_reference(reference, "inputs.model", None, None)
        weights = load_model_reference(reference, "inputs.model", None, None, seed=0).module.state_dict()
        answer = {"sum": float(sum(w.double().sum() for w in weights.values()))}
    except PalmetteError as error:
        answer = {"error": str(error)}
    found[reference] = {**answer, "seconds": time.monotonic() - started}
print(json.dumps(found))
"""


@pytest.fixture
def closed_port():
    """The address of a port at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{probe.getsockname()[1]}"  # bound, so that nobody else takes it


@pytest.fixture
def silent_port():
    """The address of a port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def load(tmp_path):
    """Load references in a process with the given environment and an own cache of the hub."""

    def run(*references, **environment):
        proxies = ("http_proxy", "https_proxy", "all_proxy")
        kept = {name: value for name, value in os.environ.items() if name.lower() not in proxies}
        done = subprocess.run(
            [sys.executable, "-c", _PROGRAM, *references],
            env={**kept, "HF_HOME": str(tmp_path), "TORCH_HOME": str(tmp_path / "torch"), **environment},
            capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


@pytest.fixture
def cache(tmp_path):
    """Put files into the hub's cache as its client does."""

    def put(repository, write):
        folder = tmp_path / "hub" / f"models--{repository.replace('/', '--')}"
        snapshot = folder / "snapshots" / ("0" * 40)
        snapshot.mkdir(parents=True)
        (folder / "refs").mkdir()
        (folder / "refs" / "main").write_text("0" * 40)
        write(snapshot)

    return put


def total(module):
    return float(sum(weight.double().sum() for weight in module.state_dict().values()))


def test_a_hub_out_of_reach_is_said_within_seconds(load, closed_port):
    said = load(f"timm:{NAME}?pretrained=true", HF_ENDPOINT=closed_port)[f"timm:{NAME}?pretrained=true"]

    assert said["seconds"] < LONGEST_S
    assert said["error"].startswith(f"inputs.model: the weights of 'timm:{NAME}' are not in the cache")
    assert f"{closed_port} could not be reached" in said["error"]
    assert f"hf download {REPOSITORY} model.safetensors" in said["error"]
    assert f"timm:{NAME}?checkpoint=" in said["error"]
    assert "HF_HOME" in said["error"]


def test_a_hub_that_never_answers_is_not_waited_for(load, silent_port):
    said = load(f"timm:{NAME}?pretrained=true", HF_ENDPOINT=silent_port, HF_HUB_ETAG_TIMEOUT="1")

    assert said[f"timm:{NAME}?pretrained=true"]["seconds"] < LONGEST_S
    assert f"{silent_port} could not be reached (timed out)" in said[f"timm:{NAME}?pretrained=true"]["error"]


def test_no_hub_is_asked_where_that_is_forbidden(load, closed_port):
    said = load(f"timm:{NAME}?pretrained=true", HF_ENDPOINT=closed_port, HF_HUB_OFFLINE="1")

    assert "HF_HUB_OFFLINE forbids to ask the hub" in said[f"timm:{NAME}?pretrained=true"]["error"]


def test_what_is_in_the_cache_needs_no_hub(load, cache, closed_port):
    image, text = (
        timm.create_model(NAME),
        GPT2LMHeadModel(GPT2Config(vocab_size=256, n_embd=16, n_layer=1, n_head=2, n_positions=64)),
    )
    cache(REPOSITORY, lambda folder: safetensors.torch.save_file(image.state_dict(), folder / "model.safetensors"))
    cache("someone/small-gpt", text.save_pretrained)

    loaded = load(f"timm:{NAME}?pretrained=true", "hf:someone/small-gpt", HF_ENDPOINT=closed_port)

    assert loaded[f"timm:{NAME}?pretrained=true"]["sum"] == total(image)
    assert loaded["hf:someone/small-gpt"]["sum"] == total(text)
    assert all(answer["seconds"] < LONGEST_S for answer in loaded.values())


def test_a_name_that_no_cache_has_is_refused_with_what_to_do():
    with pytest.raises(InvalidArgument, match=re.escape("run 'hf download openai/nothing'")) as caught:
        inspect_model_reference("hf:openai/nothing", "inputs.model", None, None)

    assert "'openai/nothing' is neither a folder nor in the cache of the hub" in str(caught.value)
    assert "HF_HOME" in str(caught.value)


def test_weights_in_torchs_cache_need_no_server(tmp_path):
    before = torch.hub.get_dir()
    torch.hub.set_dir(tmp_path)
    try:
        file = tmp_path / "checkpoints" / timm.get_pretrained_cfg("gcvit_xxtiny").url.rpartition("/")[2]
        file.parent.mkdir()
        file.touch()

        assert weights_at_hand(Reference("timm", "gcvit_xxtiny")) == file
    finally:
        torch.hub.set_dir(before)


@pytest.mark.parametrize(
    ("name", "said"),
    [("test_resnet.nonsense", "Invalid pretrained tag"), ("botnet50ts_256", "has no learned weights")],
)
def test_weights_that_do_not_exist_are_refused(name, said):
    with pytest.raises(InvalidArgument, match=said):
        inspect_model_reference(f"timm:{name}?pretrained=true", "model", None, None)
