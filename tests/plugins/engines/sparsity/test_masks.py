"""Masks under training: what is 0 stays exactly 0, whatever momentum and weight decay do."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from palmette_plugins.engines.sparsity.masks import (
    RemovedWeights,
    apply_masks,
    density,
    masked_layers,
    masked_optimizer_hook,
    set_masks,
)

OPTIMIZERS: dict[str, Callable[[nn.Module], torch.optim.Optimizer]] = {
    "sgd": lambda m: torch.optim.SGD(m.parameters(), 0.1, momentum=0.9, weight_decay=0.01),
    "nesterov": lambda m: torch.optim.SGD(m.parameters(), 0.1, momentum=0.9, weight_decay=0.01, nesterov=True),
    "adamw": lambda m: torch.optim.AdamW(m.parameters(), 0.01, weight_decay=0.1),
}


@pytest.fixture
def module() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.Flatten(), nn.Linear(6 * 36, 10))


@pytest.fixture
def masks(module: nn.Module) -> dict[str, Tensor]:
    return {name: torch.rand_like(module.get_submodule(name).weight) < 0.3 for name in ("0", "4")}


def train(module: nn.Module, optimizer: torch.optim.Optimizer, steps: int = 20) -> None:
    x, y = torch.randn(32, 1, 8, 8), torch.arange(32) % 10
    for _ in range(steps):
        optimizer.zero_grad()
        F.cross_entropy(module(x), y).backward()
        optimizer.step()


def masked_entries(module: nn.Module) -> Tensor:
    return torch.cat([layer.weight[~layer.weight_mask].detach() for layer in masked_layers(module).values()])


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_masked_weights_stay_zero_under_momentum_and_decay(
    module: nn.Module, masks: dict[str, Tensor], kind: str
) -> None:
    set_masks(module, masks)
    kept = {name: layer.weight[layer.weight_mask].clone() for name, layer in masked_layers(module).items()}
    optimizer = OPTIMIZERS[kind](module)
    masked_optimizer_hook(optimizer, RemovedWeights(module))
    for _ in range(5):
        train(module, optimizer, steps=4)
        assert torch.count_nonzero(masked_entries(module)) == 0
    for name, layer in masked_layers(module).items():
        assert not torch.equal(layer.weight[layer.weight_mask], kept[name])  # the rest does learn


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_moments_at_masked_positions_stay_zero(module: nn.Module, masks: dict[str, Tensor], kind: str) -> None:
    set_masks(module, masks)
    optimizer = OPTIMIZERS[kind](module)
    masked_optimizer_hook(optimizer, RemovedWeights(module))
    train(module, optimizer)
    for layer in masked_layers(module).values():
        moments = [value for value in optimizer.state[layer.weight].values() if value.shape == layer.weight.shape]
        assert moments
        assert all(torch.count_nonzero(moment[~layer.weight_mask]) == 0 for moment in moments)


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_moments_from_dense_training_revive_nothing(module: nn.Module, masks: dict[str, Tensor], kind: str) -> None:
    optimizer = OPTIMIZERS[kind](module)
    train(module, optimizer)  # fills the moments everywhere
    set_masks(module, masks)
    masked_optimizer_hook(optimizer, RemovedWeights(module))
    train(module, optimizer)
    assert torch.count_nonzero(masked_entries(module)) == 0


def test_without_the_hook_masked_weights_would_move(module: nn.Module, masks: dict[str, Tensor]) -> None:
    set_masks(module, masks)
    train(module, OPTIMIZERS["sgd"](module))
    assert torch.count_nonzero(masked_entries(module)) > 0
    apply_masks(module)
    assert torch.count_nonzero(masked_entries(module)) == 0


def test_a_mask_that_keeps_everything_changes_no_bit(module: nn.Module) -> None:
    def trained(with_masks: bool) -> Tensor:
        torch.manual_seed(0)
        copy = nn.Sequential(nn.Conv2d(1, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.Flatten(), nn.Linear(6 * 36, 10))
        if with_masks:
            set_masks(copy, {name: torch.ones_like(copy.get_submodule(name).weight).bool() for name in ("0", "4")})
        optimizer = OPTIMIZERS["sgd"](copy)
        masked_optimizer_hook(optimizer, RemovedWeights(copy))
        torch.manual_seed(1)
        train(copy, optimizer)
        return torch.cat([parameter.detach().flatten() for parameter in copy.parameters()])

    assert torch.equal(trained(True), trained(False))


def test_gradients_of_masked_weights_do_not_count(module: nn.Module, masks: dict[str, Tensor]) -> None:
    set_masks(module, masks)
    module(torch.randn(8, 1, 8, 8)).sum().backward()
    assert torch.count_nonzero(module[4].weight.grad[~masks["4"]]) > 0
    RemovedWeights(module).zero_gradients()
    assert torch.count_nonzero(module[4].weight.grad[~masks["4"]]) == 0
    assert torch.count_nonzero(module[4].weight.grad[masks["4"]]) > 0


def test_density_counts_what_the_masks_keep(module: nn.Module, masks: dict[str, Tensor]) -> None:
    assert density(module) == 1.0
    set_masks(module, masks)
    kept = sum(int(mask.sum()) for mask in masks.values())
    assert density(module) == kept / sum(mask.numel() for mask in masks.values())


def test_masks_travel_with_the_state_and_the_device_format(module: nn.Module, masks: dict[str, Tensor]) -> None:
    set_masks(module, masks)
    module.to(memory_format=torch.channels_last)
    assert torch.equal(module.state_dict()["0.weight_mask"], masks["0"])


def test_a_mask_of_another_shape_is_refused(module: nn.Module) -> None:
    with pytest.raises(ValueError, match=r"mask of '0' must be bool of shape \(6, 1, 3, 3\)"):
        set_masks(module, {"0": torch.ones(6, dtype=torch.bool)})


def test_removing_the_hook_frees_the_weights(module: nn.Module, masks: dict[str, Tensor]) -> None:
    set_masks(module, masks)
    optimizer = OPTIMIZERS["sgd"](module)
    masked_optimizer_hook(optimizer, RemovedWeights(module)).remove()
    train(module, optimizer)
    assert torch.count_nonzero(masked_entries(module)) > 0
