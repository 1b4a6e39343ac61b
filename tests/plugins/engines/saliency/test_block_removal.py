"""Leaving out blocks: the exact claims of the layer lottery."""

import copy
from collections import Counter
from itertools import pairwise

import pytest
import torch
from torch import nn

from palmette_plugins.api.data import DataInfo
from palmette_plugins.api.errors import FailedPrecondition
from palmette_plugins.api.resolve import load_dataset
from palmette_plugins.architectures.loading import load_model_reference
from palmette_plugins.architectures.residual import ResidualBlock, removable_blocks
from palmette_plugins.architectures.zoo.resnet import ResNet
from palmette_plugins.edits.drop_blocks import drop_blocks
from palmette_plugins.engines.block_costs import block_costs
from palmette_plugins.engines.saliency import Aggregation, balanced_batch, block_importance
from palmette_plugins.engines.saliency.block_removal import Criterion, remove_blocks, score_blocks
from palmette_plugins.engines.seeding import seeded_draws, seeded_generator

CIFAR = DataInfo("cifar", "classification", {}, (3, 32, 32), num_classes=10)


def _resnet(depth: int, width: int = 16, channels: int = 3) -> ResNet:
    with seeded_draws(0, "network"):
        return ResNet((depth - 2) // 6, width, channels, 10)


def _tickets(criterion: Criterion, removals: int, module: nn.Module | None = None, seed: int = 0) -> list[str]:
    data = load_dataset("digits")
    batch = balanced_batch(data, 4, seeded_generator(seed, "batch"))
    generator = seeded_generator(seed, "random")

    def importance(shallower: nn.Module, blocks: list[str]) -> dict[str, float]:
        return score_blocks(
            shallower, blocks, criterion=criterion, aggregation=Aggregation.MEAN, task=data.task, batch=batch,
            generator=generator,
        )  # fmt: skip

    module = copy.deepcopy(module) if module is not None else _resnet(20, 4, 1)
    return [step.block for step in remove_blocks(module, importance, lambda gone: len(gone) == removals)]


@pytest.mark.parametrize(("depth", "blocks", "removable"), [(20, 9, 7), (56, 27, 25)])
def test_all_blocks_but_the_first_of_stages_two_and_three_can_go(depth: int, blocks: int, removable: int) -> None:
    model = _resnet(depth)
    names = [name for name, part in model.named_modules() if isinstance(part, ResidualBlock)]
    assert len(names) == blocks
    assert len(removable_blocks(model)) == removable
    assert set(names) - set(removable_blocks(model)) == {"stages.1.0", "stages.2.0"}


def test_every_remaining_tensor_stays_bit_identical() -> None:
    model = _resnet(20)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    names = ["stages.0.0", "stages.1.2", "stages.2.1"]
    after = drop_blocks(model, names=names).state_dict()
    assert before.keys() - after.keys() == {n for n in before if n.startswith(tuple(f"{name}." for name in names))}
    assert all(torch.equal(before[name], tensor) for name, tensor in after.items())


@pytest.mark.parametrize("size", [8, 17, 32])
def test_the_output_shape_does_not_change_for_any_input_size(size: int) -> None:
    model = _resnet(20, 4)
    shallow = drop_blocks(copy.deepcopy(model), names=removable_blocks(model))
    images = torch.randn(2, 3, size, size)
    assert shallow(images).shape == model(images).shape == (2, 10)


@pytest.mark.parametrize("block", ["stages.0.0", "stages.1.1", "stages.2.2"])
def test_a_block_that_adds_nothing_can_go_without_changing_the_function(block: str) -> None:
    model = _resnet(20, 8).eval()
    nn.init.zeros_(model.get_submodule(f"{block}.bn2").weight)
    images = torch.randn(4, 3, 16, 16)
    before = model(images)
    torch.testing.assert_close(drop_blocks(model, names=[block])(images), before, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("block", "weights", "norms", "positions"), [("stages.0.1", 4_608, 64, 32 * 32), ("stages.2.1", 73_728, 256, 8 * 8)]
)
def test_costs_fall_by_exactly_the_blocks_own(block: str, weights: int, norms: int, positions: int) -> None:
    model = _resnet(20)
    costs = block_costs(model, removable_blocks(model), CIFAR)
    assert costs.blocks[block].parameters == weights + norms
    assert costs.blocks[block].macs == weights * positions
    shallow = block_costs(drop_blocks(model, names=[block]), (), CIFAR).model
    assert costs.model.parameters - shallow.parameters == weights + norms
    assert costs.model.macs - shallow.macs == weights * positions == costs.model.macs - costs.without([block])


@pytest.mark.parametrize("criterion", list(Criterion))
def test_more_removals_only_add_to_the_removed(criterion: Criterion) -> None:
    tickets = [_tickets(criterion, count) for count in (1, 2, 4, 7)]
    assert all(longer[: len(shorter)] == shorter for shorter, longer in pairwise(tickets))
    assert len(set(tickets[-1])) == 7


@pytest.mark.parametrize("criterion", list(Criterion))
def test_one_seed_gives_one_ticket(criterion: Criterion) -> None:
    assert _tickets(criterion, 5, seed=3) == _tickets(criterion, 5, seed=3)


def test_random_is_uniform_over_removable_blocks() -> None:
    model, data, generator = _resnet(20, 1, 1), load_dataset("digits"), seeded_generator(0)
    blocks, counts, draws = removable_blocks(model), Counter[str](), 7000
    for _ in range(draws):
        importance = score_blocks(
            model, blocks, criterion=Criterion.RANDOM, aggregation=Aggregation.MEAN, task=data.task, batch=None,
            generator=generator,
        )  # fmt: skip
        counts[min(importance, key=lambda block: importance[block])] += 1
    expected = draws / len(blocks)
    chi_square = sum((counts[block] - expected) ** 2 / expected for block in blocks)
    assert len(blocks) == 7
    assert chi_square < 22.46  # 99.9 % quantile at 6 degrees of freedom


def test_importance_is_measured_anew_on_the_smaller_network() -> None:
    data = load_dataset("digits")
    batch = balanced_batch(data, 4, seeded_generator(0))

    def importance(shallower: nn.Module, blocks: list[str]) -> dict[str, float]:
        return score_blocks(
            shallower, blocks, criterion=Criterion.SNIP, aggregation=Aggregation.MEAN, task=data.task, batch=batch,
            generator=seeded_generator(0),
        )  # fmt: skip

    first, second = remove_blocks(_resnet(20, 4, 1), importance, lambda gone: len(gone) == 2)
    assert first.importance.keys() - second.importance.keys() == {first.block}
    assert all(second.importance[block] != first.importance[block] for block in second.importance)
    assert first.importance[first.block] == min(first.importance.values())


def test_importance_is_the_mean_or_the_sum_over_all_weights_of_a_block() -> None:
    scores = {"a.w": torch.tensor([1.0, 2.0]), "a.sub.w": torch.tensor([[6.0]]), "ab.w": torch.tensor([100.0])}
    assert block_importance(scores, ["a"], Aggregation.MEAN) == {"a": 3.0}
    assert block_importance(scores, ["a"], Aggregation.SUM) == {"a": 9.0}


@pytest.mark.parametrize(("scores", "reason"), [({"a.w": torch.tensor([float("nan")])}, "finite"), ({}, "no weights")])
def test_what_cannot_be_ordered_is_refused(scores: dict[str, torch.Tensor], reason: str) -> None:
    with pytest.raises(FailedPrecondition, match=reason):
        block_importance(scores, ["a"], Aggregation.MEAN)


@pytest.mark.parametrize("criterion", list(Criterion))
def test_layers_of_a_language_model_can_be_drawn(criterion: Criterion) -> None:
    data = load_dataset("manual?context=16&limit=10&test_limit=20")
    model = load_model_reference("zoo:tiny-gpt?layers=3&d_model=16&heads=2", "model", data.info, None, seed=0).module
    batch = balanced_batch(data, 4, seeded_generator(0))
    assert len(batch[0]) == 4  # no classes: examples in all
    before = copy.deepcopy(model.state_dict())

    def importance(shallower: nn.Module, blocks: list[str]) -> dict[str, float]:
        return score_blocks(
            shallower, blocks, criterion=criterion, aggregation=Aggregation.SUM, task=data.task, batch=batch,
            generator=seeded_generator(0),
        )  # fmt: skip

    (removal,) = remove_blocks(model, importance, lambda gone: len(gone) == 1)
    assert len(removal.importance) == 3
    assert len(set(removal.importance.values())) == 3
    assert len(removable_blocks(model)) == 2
    assert model(batch[0]).shape == (4, 16, data.info.vocabulary_size)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
