"""The grown network: where its blocks come from and what it computes."""

import pytest
import torch

from palmette_plugins.architectures.zoo.wide_resnet import WideResNet
from palmette_plugins.engines.seeding import seeded_draws, seeded_generator
from palmette_plugins.engines.template_mixing import (
    CoefficientInit,
    Grid,
    MixedLayer,
    TemplateMixture,
    draw_templates,
    materialised,
    mixed_member,
    mixture_parameter_groups,
    noisy_copy,
    plan_growth,
)
from palmette_plugins.engines.template_mixing.growth import grow
from palmette_plugins.engines.template_mixing.layers import mixed_layer


def _mixtures(module: torch.nn.Module) -> list[TemplateMixture]:
    return [layer for layer in module.modules() if isinstance(layer, TemplateMixture)]


def test_with_zero_coefficients_logits_are_the_sum_of_the_members(growth, images) -> None:
    grown = growth.grown(CoefficientInit.ZERO).eval()
    total = sum(member.eval()(images) for member in growth.members)
    torch.testing.assert_close(grown(images), total, rtol=0, atol=1e-5)


def test_the_diagonal_holds_the_members_and_the_rest_mixes_their_templates(growth_of_four) -> None:
    grown = growth_of_four.grown(CoefficientInit.ORTHOGONAL)
    for name, grid in growth_of_four.plan.grids.items():
        if grid is not Grid.FULL:
            continue
        weight = mixed_layer(grown, name).mixture().detach()
        halves = [mixed_layer(member, name).mixture for member in growth_of_four.members]
        o, i = halves[0]().shape[:2]
        assert torch.equal(weight[:o, :i], halves[0]())
        assert torch.equal(weight[o:, i:], halves[1]())
        for block, half in ((weight[:o, i:], halves[0]), (weight[o:, :i], halves[1])):
            span = half.templates(0).detach().flatten(1).T.double()  # (numel, T)
            target = block.flatten().double().unsqueeze(1)
            solution = torch.linalg.lstsq(span, target).solution
            assert float((span @ solution - target).norm() / target.norm()) <= 1e-5


def test_the_first_layer_is_stacked_and_the_classifier_side_by_side(growth) -> None:
    assert growth.plan.grids["conv1"] is Grid.OUTPUTS
    assert growth.plan.grids["fc"] is Grid.INPUTS
    assert {g for n, g in growth.plan.grids.items() if n not in ("conv1", "fc")} == {Grid.FULL}
    grown = growth.grown(CoefficientInit.ORTHOGONAL)
    for name, dim in (("conv1", 0), ("fc", 1)):
        parts = [mixed_layer(member, name).mixture() for member in growth.members]
        assert torch.equal(mixed_layer(grown, name).mixture(), torch.cat(parts, dim))
    biases = [mixed_layer(member, "fc").bias for member in growth.members]
    assert torch.equal(mixed_layer(grown, "fc").bias, biases[0] + biases[1])


def test_batch_norms_are_concatenated(growth) -> None:
    grown = growth.grown(CoefficientInit.ORTHOGONAL)
    members = [dict(member.named_modules()) for member in growth.members]
    for name in ("bn1", "stages.1.0.bn2", "stages.2.0.shortcut.1"):
        for tensor in ("weight", "bias", "running_mean", "running_var"):
            expected = torch.cat([getattr(modules[name], tensor) for modules in members])
            assert torch.equal(getattr(grown.get_submodule(name), tensor), expected)


def test_growth_adds_coefficients_only(growth) -> None:
    def count(module: torch.nn.Module) -> int:
        return sum(parameter.numel() for parameter in module.parameters())

    full = sum(grid is Grid.FULL for grid in growth.plan.grids.values())
    templates = 2
    shared_bias = growth.small.fc.bias.numel()  # the classifier's two biases become one
    before = sum(count(member) for member in growth.members)
    assert count(growth.grown(CoefficientInit.ORTHOGONAL)) == before + full * 2 * templates - shared_bias


def test_without_a_classifier_bias_growth_adds_the_new_coefficients_and_nothing_else() -> None:
    with seeded_draws(0):
        small, target = (
            WideResNet(1, factor, stem=4 * factor, in_channels=1, num_classes=10, classifier_bias=False)
            for factor in (1, 2)
        )
    plan, templates = plan_growth(small, target), 3
    assert plan.problems == ()
    start = draw_templates(small, list(plan.grids), templates, seeded_generator(0))
    members = (mixed_member(small, start, 0), mixed_member(small, start, 1))
    initial = {name: layer.coefficients for name, layer in start.items()}
    grown = grow(target, members, plan.grids, initial, CoefficientInit.ORTHOGONAL, seeded_generator(0))

    off_diagonal = 2 * sum(grid is Grid.FULL for grid in plan.grids.values())
    before = sum(p.numel() for member in members for p in member.parameters() if p.requires_grad)
    after = sum(p.numel() for p in grown.parameters() if p.requires_grad)
    assert after == before + off_diagonal * templates


def test_gradients_reach_all_coefficients_and_both_template_sets(growth, images) -> None:
    grown = growth.grown(CoefficientInit.ORTHOGONAL).train()
    torch.nn.functional.cross_entropy(grown(images), torch.arange(7)).backward()
    for mixture in _mixtures(grown):
        assert len(mixture.template_sets) == 2
        assert len(mixture.coefficients) == (4 if mixture.grid is Grid.FULL else 2)
        assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in mixture.parameters())


@pytest.mark.parametrize("decay_norm_and_bias", [True, False])
def test_coefficients_are_not_decayed_and_every_parameter_is_trained_once(growth, decay_norm_and_bias) -> None:
    grown = growth.grown(CoefficientInit.ORTHOGONAL)
    groups = mixture_parameter_groups(grown, decay_norm_and_bias=decay_norm_and_bias)
    undecayed = {id(p) for p in groups[1]["params"]}
    assert "weight_decay" not in groups[0]
    assert groups[1]["weight_decay"] == 0
    assert all(id(p) in undecayed for mixture in _mixtures(grown) for p in mixture.coefficients.values())
    assert all(id(p) not in undecayed for mixture in _mixtures(grown) for p in mixture.template_sets)
    assert (id(grown.bn1.weight) in undecayed) is not decay_norm_and_bias
    everything = [id(p) for group in groups for p in group["params"]]
    assert sorted(everything) == sorted(id(p) for p in grown.parameters())


def test_materialising_keeps_the_function_and_gives_the_plain_target(growth, images) -> None:
    grown = growth.grown(CoefficientInit.ORTHOGONAL).eval()
    plain = materialised(grown)
    assert not any(isinstance(layer, MixedLayer) for layer in plain.modules())
    assert {n: t.shape for n, t in plain.state_dict().items()} == {
        n: t.shape for n, t in growth.target.state_dict().items()
    }
    torch.testing.assert_close(plain(images), grown(images), rtol=0, atol=1e-5)
    growth.target.load_state_dict(plain.state_dict())  # the plain architecture takes the weights


def test_a_copied_second_member_doubles_the_first(growth, images) -> None:
    first = growth.members[0].eval()
    twin = noisy_copy(first, seeded_generator(0))
    initial = {name: layer.coefficients for name, layer in growth.start.items()}
    grown = grow(
        growth.target, (first, twin), growth.plan.grids, initial, CoefficientInit.ZERO, seeded_generator(0)
    ).eval()
    torch.testing.assert_close(grown(images), first(images) + twin.eval()(images), rtol=0, atol=1e-5)
