"""Weight sharing: slices, transforms, sorting, and the plain network that is cut out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from palmette_plugins.api import InvalidArgument
from palmette_plugins.architectures import weights_file
from palmette_plugins.architectures.building import build
from palmette_plugins.architectures.loading import load_model_reference
from palmette_plugins.engines.elastic import extract, random_genes, recalibrate
from palmette_plugins.engines.elastic.block import ElasticBlock
from palmette_plugins.engines.elastic.kernels import KernelTransforms
from palmette_plugins.engines.elastic.populations import choices
from palmette_plugins.engines.elastic.sorting import banded_order, sort_channels

from .spaces import paper_space, supernet, tiny

IMAGES = torch.randn(4, 1, 12, 12, generator=torch.Generator().manual_seed(0))


def test_a_cut_out_network_computes_what_the_supernet_does() -> None:
    model = tiny()
    space = supernet(model).space
    for choice in [*choices(space, random_genes(space, 12, np.random.default_rng(0))), space.smallest, space.largest]:
        plain = extract(model, choice)
        with torch.no_grad():
            expected = supernet(model)(IMAGES, choice)
            torch.testing.assert_close(plain.module(IMAGES), expected, atol=1e-6, rtol=0)


def test_a_cut_out_network_loads_without_elastic_code(tmp_path: Path) -> None:
    model = tiny()
    plain = extract(model, supernet(model).space.uniform(2, 3, 5, 8))
    file = tmp_path / weights_file.FILE_NAME
    file.write_bytes(weights_file.weights_bytes(plain.module.state_dict()))
    again = build(plain.spec).eval()
    weights_file.load_weights(again, file)
    with torch.no_grad():
        assert torch.equal(again(IMAGES), plain.module(IMAGES))
    assert not any("elastic" in type(part).__module__ for part in again.modules())


def test_the_papers_space_is_cut_exactly() -> None:
    model = load_model_reference("zoo:mbv3-supernet?resolutions=32,64", "model", None, None, seed=0)
    space = supernet(model).space
    assert space == paper_space((32, 64))
    (choice,) = choices(space, random_genes(space, 1, np.random.default_rng(4)))
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        expected = supernet(model)(images, choice)
        torch.testing.assert_close(extract(model, choice).module(images), expected, atol=1e-6, rtol=0)


def test_a_stranger_is_not_cut_out() -> None:
    with pytest.raises(InvalidArgument, match="choice"):
        extract(tiny(), paper_space().largest)
    with pytest.raises(InvalidArgument, match="not a supernet"):
        extract(load_model_reference("zoo:mbv3", "model", None, None, seed=0), paper_space().largest)


def test_identity_transforms_crop_the_centre() -> None:
    transforms = KernelTransforms((3, 5, 7))
    weight = torch.randn(6, 1, 7, 7)
    assert sum(parameter.numel() for parameter in transforms.parameters()) == 706
    assert torch.equal(transforms(weight, 7), weight)
    assert torch.equal(transforms(weight, 5), weight[:, :, 1:6, 1:6])
    assert torch.equal(transforms(weight, 3), weight[:, :, 2:5, 2:5])


def test_small_kernels_are_made_from_the_next_larger_one() -> None:
    transforms = KernelTransforms((3, 5, 7))
    weight = torch.randn(2, 1, 7, 7)
    t75, t53 = (torch.randn(size, size) for size in (25, 9))
    transforms.load_state_dict({"matrices.7to5": t75, "matrices.5to3": t53})
    five = torch.stack([(t75 @ channel[0, 1:6, 1:6].reshape(25)).reshape(5, 5) for channel in weight])
    three = torch.stack([(t53 @ channel[1:4, 1:4].reshape(9)).reshape(3, 3) for channel in five])
    torch.testing.assert_close(transforms(weight, 5)[:, 0], five)
    torch.testing.assert_close(transforms(weight, 3)[:, 0], three)


@pytest.mark.parametrize("supported", [(4,), (3, 4), (2, 3, 4)])
def test_sorting_keeps_every_supported_width(supported: tuple[int, ...]) -> None:
    model = tiny()
    module, space = supernet(model), supernet(model).space
    narrowed = space.narrowed(expands=supported)
    kept = choices(narrowed, random_genes(narrowed, 6, np.random.default_rng(1)))
    with torch.no_grad():
        before = [module(IMAGES, choice) for choice in kept]
        weights = module.stages[1][0].project.weight.clone()  # type: ignore[index, union-attr]
        sort_channels(module, supported)
        assert not torch.equal(weights, module.stages[1][0].project.weight)  # type: ignore[index, union-attr]
        for choice, expected in zip(kept, before, strict=True):
            torch.testing.assert_close(module(IMAGES, choice), expected, atol=1e-5, rtol=0)


def test_sorting_puts_the_most_important_channels_of_each_band_first() -> None:
    model = tiny()
    sort_channels(supernet(model), (3, 4))
    block = supernet(model).stages[0][0]  # type: ignore[index]
    assert isinstance(block, ElasticBlock)
    importance = block.project.weight.abs().sum(dim=(0, 2, 3)).tolist()
    assert importance[:24] == sorted(importance[:24], reverse=True)
    assert importance[24:] == sorted(importance[24:], reverse=True)


def test_equal_importance_stays_in_order_and_bands_do_not_mix() -> None:
    importance = torch.tensor([1.0, 3.0, 1.0, 9.0, 1e30, 9.0])
    assert banded_order(importance, [3]).tolist() == [1, 0, 2, 4, 3, 5]
    assert banded_order(importance, [6]).tolist() == [4, 3, 5, 1, 0, 2]


def test_recalibration_averages_the_batches_statistics() -> None:
    model = tiny("&resolutions=12")
    plain = extract(model, supernet(model).space.smallest).module
    parameters = {name: tensor.clone() for name, tensor in plain.named_parameters()}
    batches = [torch.randn(8, 1, 12, 12) * scale for scale in (1.0, 2.0)]
    recalibrate(plain, batches)
    outputs = [plain.stem[0](batch).detach() for batch in batches]  # type: ignore[index, operator]
    mean = torch.stack([output.mean(dim=(0, 2, 3)) for output in outputs]).mean(dim=0)
    variance = torch.stack([output.var(dim=(0, 2, 3)) for output in outputs]).mean(dim=0)
    torch.testing.assert_close(plain.stem[1].running_mean, mean)  # type: ignore[index]
    torch.testing.assert_close(plain.stem[1].running_var, variance)  # type: ignore[index]
    assert all(torch.equal(parameters[name], tensor) for name, tensor in plain.named_parameters())
    assert not plain.training
    assert plain.stem[1].momentum == 0.1  # type: ignore[index]


def test_small_kernels_and_narrow_widths_share_their_gradients() -> None:
    module = supernet(tiny()).train()
    module(IMAGES, module.space.smallest).sum().backward()
    block = module.stages[1][0]  # type: ignore[index]
    assert block.expand.weight.grad[:16].abs().sum() > 0
    assert block.expand.weight.grad[16:].abs().sum() == 0
    assert block.transforms.matrices["7to5"].grad.abs().sum() > 0
    assert block.depthwise.weight.grad[:, :, 0].abs().sum() == 0  # outside the centre
    assert all(parameter.grad is None for parameter in module.stages[1][1].parameters())  # type: ignore[index]
