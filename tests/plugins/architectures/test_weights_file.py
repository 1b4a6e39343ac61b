"""Weights files: bits packed, shared tensors stored once, damage noticed."""

import json

import numpy as np
import pytest
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from torch import nn

from palmette_plugins.api import DataLoss, InvalidArgument
from palmette_plugins.architectures.weights_file import load_weights, read_state, weights_bytes

shapes = st.lists(st.integers(0, 9), min_size=0, max_size=4).map(tuple)
dtypes = st.sampled_from([torch.bool, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.uint8])


def written(tmp_path_factory, state):
    path = tmp_path_factory.mktemp("weights") / "weights.safetensors"
    path.write_bytes(weights_bytes(state))
    return path


@given(st.dictionaries(st.text("abc.", min_size=1), st.tuples(shapes, dtypes), max_size=5), st.integers(0, 9))
def test_any_state_comes_back_bit_for_bit(tmp_path_factory, described, seed):
    generator = torch.Generator().manual_seed(seed)
    state = {
        name: torch.randint(0, 2, shape, generator=generator).to(dtype) for name, (shape, dtype) in described.items()
    }

    back = read_state(written(tmp_path_factory, state))

    assert set(back) == set(state)
    for name, tensor in state.items():
        assert back[name].dtype == tensor.dtype
        assert back[name].shape == tensor.shape
        assert torch.equal(back[name], tensor)


def test_equal_states_give_equal_bytes_whatever_their_order():
    shared = torch.ones(3)
    state = {"b": shared, "a": torch.zeros(2, dtype=torch.bool), "c": shared}

    assert len({weights_bytes(dict(reversed(state.items()))) for _ in range(20)} | {weights_bytes(state)}) == 1


def test_a_mask_takes_one_bit_a_weight(tmp_path_factory):
    path = written(tmp_path_factory, {"mask": torch.rand(1000, 800) > 0.5})

    assert path.stat().st_size < 800_000 / 8 + 500


def test_tied_weights_are_stored_once_and_tied_again(tmp_path_factory):
    tied = nn.ModuleDict({"embed": nn.Embedding(50, 8), "head": nn.Linear(8, 50, bias=False)})
    tied["head"].weight = tied["embed"].weight
    path = written(tmp_path_factory, tied.state_dict())

    with safe_open(str(path), "pt") as file:
        stored = list(file.keys())
        aliases = json.loads(file.metadata()["palmette"])["aliases"]

    assert stored == ["embed.weight"]
    assert aliases == {"head.weight": "embed.weight"}
    other = nn.ModuleDict({"embed": nn.Embedding(50, 8), "head": nn.Linear(8, 50, bias=False)})
    load_weights(other, path)
    assert torch.equal(other["head"].weight, tied["embed"].weight)


def test_overlapping_and_strided_tensors_are_stored_each_on_its_own(tmp_path_factory):
    base = torch.arange(12.0).view(3, 4)
    state = {"whole": base, "rows": base[1:], "turned": base.t()}

    back = read_state(written(tmp_path_factory, state))

    assert all(torch.equal(back[name], tensor) for name, tensor in state.items())


def test_what_does_not_fit_is_named(tmp_path_factory):
    path = written(tmp_path_factory, nn.Linear(3, 2).state_dict())

    for module, said in (
        (nn.Linear(3, 4), r"bias is \(2,\), not \(4,\)|weight is \(2, 3\), not \(4, 3\)"),
        (nn.Linear(3, 2, bias=False), "unexpected bias"),
        (nn.Sequential(nn.Linear(3, 2)), "no 0.bias"),
    ):
        before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
        with pytest.raises(InvalidArgument, match=said):
            load_weights(module, path)
        assert all(torch.equal(before[name], tensor) for name, tensor in module.state_dict().items())


@pytest.mark.parametrize("damage", [lambda data: data[:-9], lambda data: b"", lambda data: b"\xff" * len(data)])
def test_a_damaged_file_is_data_loss(tmp_path_factory, damage):
    path = written(tmp_path_factory, {"mask": torch.ones(99, dtype=torch.bool), "weight": torch.ones(9)})
    path.write_bytes(damage(path.read_bytes()))

    with pytest.raises(DataLoss, match="is damaged"):
        read_state(path)


def test_bits_are_packed_most_significant_first_as_documented(tmp_path_factory):
    path = written(tmp_path_factory, {"mask": torch.tensor([1, 0, 0, 0, 0, 0, 0, 1, 1], dtype=torch.bool)})

    with safe_open(str(path), "np") as file:
        np.testing.assert_array_equal(file.get_tensor("mask"), np.array([0b10000001, 0b10000000], np.uint8))


@pytest.mark.parametrize(
    "metadata",
    [
        {"packed": {"mask": [2**40]}},  # would ask for a terabyte
        {"packed": {"mask": [-1]}},
        {"packed": {"nothing": [1]}},
        {"packed": {"weight": [9]}},
        {"aliases": {"other": "nothing"}},
        {"packed": 3},
        {"packed": {"mask": [16]}, "sparse": {"weight": {"mask": "nothing"}}},
        {"packed": {"mask": [16]}, "sparse": {"weight": {"mask": "mask"}}},  # nine values for no place
        {"packed": {"mask": [16]}, "sparse": {"weight": {"places": "mask"}}},
        {"packed": {"mask": [16]}, "sparse": {"none": {"mask": "mask"}, "weight": {"nonzeros": "mask"}}},
        {"sparse": {"weight": {"mask": "mask"}}},  # places that are not bool
        {"sparse": {"weight": {}}},
        {"sparse": {"weight": {"mask": []}}},
        {"sparse": {"weight": 3}},
        {"sparse": 3},
        [],
    ],
)
def test_metadata_that_lies_is_data_loss(tmp_path, metadata):
    path = tmp_path / "weights.safetensors"
    tensors = {"mask": torch.zeros(2, dtype=torch.uint8), "weight": torch.zeros(9), "none": torch.zeros(0)}
    path.write_bytes(safetensors.torch.save(tensors, {"palmette": json.dumps(metadata)}))

    with pytest.raises(DataLoss, match="is damaged"):
        read_state(path)
