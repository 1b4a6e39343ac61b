"""Weights files leave zeros out, and give back every bit."""

import json

import pytest
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open

from palmette_plugins.api import DataLoss
from palmette_plugins.architectures.building import build
from palmette_plugins.architectures.loading import load_model_reference
from palmette_plugins.architectures.weights_file import load_weights, read_state, weights_bytes
from palmette_plugins.engines.sparsity.draw import Draw, draw_masks
from palmette_plugins.engines.sparsity.layers import layer_shapes
from palmette_plugins.engines.sparsity.plan import plan_sparsity
from palmette_plugins.engines.sparsity.ratios import Ratio
from palmette_plugins.pruning_growth.random_pruning import with_masks

DTYPES = [
    *(torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64),
    *(torch.float8_e4m3fn, torch.float8_e5m2, torch.float16, torch.bfloat16, torch.float32, torch.float64),
    torch.complex64,
]
shapes = st.lists(st.integers(0, 30), max_size=3).map(tuple)


def written(folder, state):
    path = folder / "weights.safetensors"
    path.write_bytes(weights_bytes(state))
    return path


def contents(path):
    """Return the metadata and, by name, the shapes of the tensors that lie in the file."""
    with safe_open(str(path), "pt") as file:
        shapes = {name: file.get_slice(name).get_shape() for name in file.keys()}  # noqa: SIM118
        return json.loads(file.metadata()["palmette"]), shapes


def bits(tensor):
    flat = tensor.reshape(-1)
    return (flat if flat.dtype == torch.bool else flat.view(torch.uint8)).tolist()


def random_tensor(shape, dtype, keep, generator):
    """Return random bits, hence NaNs with any payload, infinities and -0.0 too, with zeros outside `keep`."""
    if dtype == torch.bool:
        return keep.clone()
    size = torch.empty(0, dtype=dtype).element_size()
    raw = torch.randint(0, 256, (keep.numel(), size), dtype=torch.uint8, generator=generator)
    raw[~keep.reshape(-1)] = 0
    return raw.reshape(-1).view(dtype).reshape(shape)


@given(
    st.lists(st.tuples(shapes, st.sampled_from(DTYPES), st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0])), max_size=4),
    st.booleans(),
    st.booleans(),
    st.integers(0, 99),
)
def test_any_sparse_state_comes_back_bit_for_bit(tmp_path_factory, described, masked, wrong, seed):
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for index, (shape, dtype, density) in enumerate(described):
        keep = torch.rand(shape, generator=generator) < density
        state[f"{index}.weight"] = random_tensor(shape, dtype, keep, generator)
        if masked:  # a mask that is wrong must not lose a value
            state[f"{index}.weight_mask"] = torch.rand(shape, generator=generator) < 0.5 if wrong else keep

    back = read_state(written(tmp_path_factory.mktemp("weights"), state))

    assert back.keys() == state.keys()
    for name, tensor in state.items():
        assert (back[name].dtype, back[name].shape) == (tensor.dtype, tensor.shape)
        assert bits(back[name]) == bits(tensor)


def test_masked_weights_take_no_room(tmp_path):
    mask = torch.zeros(100, 100, dtype=torch.bool)
    mask[::10] = True
    state = {"layer.weight": torch.randn(100, 100).masked_fill(~mask, 0.0), "layer.weight_mask": mask}

    path = written(tmp_path, state)
    metadata, stored = contents(path)

    assert metadata["sparse"] == {"layer.weight": {"mask": "layer.weight_mask"}}
    assert stored == {"layer.weight": [1000], "layer.weight_mask": [1250]}
    assert path.stat().st_size < 1000 * 4 + 1250 + 500
    assert torch.equal(read_state(path)["layer.weight"], state["layer.weight"])


def test_zeros_that_are_kept_stay_in_their_places(tmp_path):
    mask = torch.arange(400) % 4 != 0
    weight = torch.arange(400.0).masked_fill(~mask, 0.0)
    weight[1:50] = 0.0

    assert torch.equal(read_state(written(tmp_path, {"a": weight, "a_mask": mask}))["a"], weight)


def test_a_negative_zero_is_a_value(tmp_path):
    mask = torch.zeros(1000, dtype=torch.bool)
    weight = torch.zeros(1000)
    weight[7] = -0.0

    path = written(tmp_path, {"a": weight, "a_mask": mask})

    assert contents(path)[0]["sparse"] == {"a": {"nonzeros": "a_nonzeros"}}
    assert torch.signbit(read_state(path)["a"]).nonzero().tolist() == [[7]]


def test_without_a_mask_zeros_are_left_out_where_that_is_clearly_smaller(tmp_path):
    sparse = torch.zeros(40, 50)
    sparse[:, ::10] = 1.5
    state = {"sparse": sparse, "dense": torch.where(torch.arange(2000) % 4 != 0, 1.0, 0.0), "small": torch.zeros(20)}

    path = written(tmp_path, state)
    metadata, stored = contents(path)

    assert metadata["sparse"] == {"sparse": {"nonzeros": "sparse_nonzeros"}}
    assert stored == {"sparse": [200], "sparse_nonzeros": [250], "dense": [2000], "small": [20]}
    assert read_state(path).keys() == state.keys()


def test_the_name_of_the_bits_gives_way_to_names_of_the_state(tmp_path):
    tied = torch.zeros(500)
    state = {"a": torch.zeros(900), "a_nonzeros": torch.ones(3), "Z": tied, "a_nonzeros_": tied}

    back = read_state(written(tmp_path, state))

    assert back.keys() == state.keys()
    assert all(torch.equal(back[name], tensor) for name, tensor in state.items())


def test_tied_sparse_weights_are_stored_once_and_tied_again(tmp_path):
    mask = torch.rand(60, 60) < 0.1
    weight = torch.randn(60, 60).masked_fill(~mask, 0.0)
    state = {"embed.weight": weight, "embed.weight_mask": mask, "head.weight": weight, "head.weight_mask": mask}

    path = written(tmp_path, state)
    back = read_state(path)

    assert contents(path)[1] == {"embed.weight": [int(mask.sum())], "embed.weight_mask": [450]}
    assert torch.equal(back["embed.weight"], weight)
    assert back["head.weight"] is back["embed.weight"]


def test_a_mask_that_two_weights_share_serves_one_of_them(tmp_path):
    mask = torch.rand(60, 60) < 0.1
    first, second = (torch.randn(60, 60).masked_fill(~mask, 0.0) for _ in range(2))
    state = {"a.weight": first, "a.weight_mask": mask, "b.weight": second, "b.weight_mask": mask}

    path = written(tmp_path, state)
    back = read_state(path)

    assert contents(path)[0]["sparse"] == {
        "a.weight": {"mask": "a.weight_mask"},
        "b.weight": {"nonzeros": "b.weight_nonzeros"},
    }
    assert torch.equal(back["a.weight"], first)
    assert torch.equal(back["b.weight"], second)


def test_one_mask_cannot_fill_the_memory_for_many_names(tmp_path):
    path = tmp_path / "weights.safetensors"
    names = [f"weight{index}" for index in range(50)]
    metadata = {"packed": {"mask": [8000]}, "sparse": {name: {"mask": "mask"} for name in names}}
    tensors = {"mask": torch.zeros(1000, dtype=torch.uint8)} | {name: torch.zeros(0) for name in names}
    path.write_bytes(safetensors.torch.save(tensors, {"palmette": json.dumps(metadata)}))

    with pytest.raises(DataLoss, match=r"'weight1' cannot be filled from .*'mask': 'mask'"):
        read_state(path)


def test_files_from_before_zeros_were_left_out_are_read(tmp_path):
    path = tmp_path / "weights.safetensors"
    weight, mask = torch.zeros(3, 3), torch.tensor([0b10000000, 0], dtype=torch.uint8)
    metadata = {"packed": {"weight_mask": [3, 3]}, "aliases": {}}
    path.write_bytes(
        safetensors.torch.save({"weight": weight, "weight_mask": mask}, {"palmette": json.dumps(metadata)})
    )

    back = read_state(path)

    assert torch.equal(back["weight"], weight)
    assert back["weight_mask"].nonzero().tolist() == [[0, 0]]


def test_a_pruned_network_takes_what_its_kept_weights_take(tmp_path, digits):
    dense = load_model_reference("zoo:resnet20", "model", digits.info, None, seed=0)
    before = len(weights_bytes(dense.module.state_dict()))
    plan = plan_sparsity(layer_shapes(dense.module), Ratio.ERK, 0.1)
    masks = draw_masks(plan, Draw.EXACT, torch.Generator().manual_seed(0))
    pruned = with_masks(dense, masks)

    path = written(tmp_path, pruned.module.state_dict())

    assert path.stat().st_size < before * 0.1 + plan.maskable / 8 + 40_000  # the rest is names and running statistics
    again = build(pruned.spec)
    load_weights(again, path)
    wanted = pruned.module.state_dict()
    assert all(torch.equal(tensor, wanted[name]) for name, tensor in again.state_dict().items())
