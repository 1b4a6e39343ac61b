"""The small networks before growth."""

import torch

from palmette_plugins.engines.seeding import seeded_generator
from palmette_plugins.engines.template_mixing import materialised, noisy_copy
from palmette_plugins.engines.template_mixing.layers import mixed_layer


def test_a_member_computes_what_the_plain_network_with_its_weights_computes(growth, images) -> None:
    for member in growth.members:
        plain = materialised(member)
        assert {n: t.shape for n, t in plain.state_dict().items()} == {
            n: t.shape for n, t in growth.small.state_dict().items()
        }
        torch.testing.assert_close(plain.eval()(images), member.eval()(images), rtol=0, atol=1e-6)


def test_a_weight_is_the_mixture_of_its_templates(growth) -> None:
    mixture = mixed_layer(growth.members[0], "conv1").mixture
    first, second = mixture.templates(0)
    alpha = mixture.coefficients["0"]
    torch.testing.assert_close(mixture(), alpha[0] * first + alpha[1] * second)


def test_weights_are_mixed_in_full_precision_under_autocast(growth) -> None:
    mixture = mixed_layer(growth.members[0], "conv1").mixture
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = mixture()
    assert mixed.dtype is torch.float32
    assert torch.equal(mixed, mixture())


def test_members_share_nothing(growth) -> None:
    pointers = [{p.data_ptr() for p in (*m.parameters(), *m.buffers())} for m in growth.members]
    assert not pointers[0] & pointers[1]


def test_initial_coefficients_are_orthonormal_rows_from_four_templates_on(growth_of_four) -> None:
    for layer in growth_of_four.start.values():
        torch.testing.assert_close(layer.coefficients @ layer.coefficients.T, torch.eye(4), rtol=0, atol=1e-6)


def test_templates_are_kaiming_normal(growth) -> None:
    templates = growth.start["stages.2.0.conv2"].sets[1]  # (2, 16, 16, 3, 3)
    assert abs(float(templates.std()) / (2 / (16 * 9)) ** 0.5 - 1) < 0.05
    assert abs(float(templates.mean())) < 0.01


def test_one_seed_gives_one_member_and_a_copy_differs_by_little(growth) -> None:
    member = growth.members[0]
    twins = [noisy_copy(member, seeded_generator(seed)) for seed in (1, 1, 2)]
    weights = [mixed_layer(twin, "fc").mixture().detach() for twin in twins]
    original = mixed_layer(member, "fc").mixture().detach()
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
    assert 0.001 < float((weights[0] - original).norm() / original.norm()) < 0.03
    assert all(
        torch.equal(dict(twins[0].named_buffers())[name], buffer) for name, buffer in member.named_buffers()
    )  # batch norms are copied as they are
