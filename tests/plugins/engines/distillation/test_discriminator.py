"""The discriminator: its size, its targets, and which way its gradient goes."""

from __future__ import annotations

import math

import pytest
import torch

from palmette_plugins.engines.distillation import Adversarial, Discriminator


def made(adversarial: Adversarial, classes: int = 16) -> Discriminator:
    torch.manual_seed(1)
    return Discriminator(classes, 2, adversarial)


@pytest.mark.parametrize(("classes", "parameters"), [(1000, 127_047), (100, 1_229)])
def test_its_size(classes: int, parameters: int) -> None:
    discriminator = Discriminator(classes, 8, Adversarial.REVERSE)
    assert sum(parameter.numel() for parameter in discriminator.parameters()) == parameters


def test_knowing_nothing_costs_ln_2() -> None:
    discriminator = made(Adversarial.REVERSE)
    torch.nn.init.zeros_(discriminator.layers[-1].weight)
    torch.nn.init.zeros_(discriminator.layers[-1].bias)
    loss, _ = discriminator.loss(torch.randn(4, 16), torch.randn(4, 16))
    assert float(loss.detach()) == pytest.approx(math.log(2), abs=1e-6)


def test_telling_them_apart_is_rewarded() -> None:
    discriminator = made(Adversarial.REVERSE)
    student, teachers = torch.randn(64, 16) + 2, torch.randn(64, 16) - 2
    optimizer = torch.optim.Adam(discriminator.parameters(), lr=0.01)
    for _ in range(200):
        optimizer.zero_grad()
        discriminator.loss(student, teachers)[0].backward()
        optimizer.step()
    loss, told = discriminator.loss(student, teachers)
    assert float(loss.detach()) < 0.1
    assert float(told) == 1


def test_reversed_the_student_feels_the_opposite_of_what_it_would_feel() -> None:
    straight, reverse = made(Adversarial.REVERSE), made(Adversarial.REVERSE)
    straight.reversing = False
    student, teachers = torch.randn(8, 16, requires_grad=True), torch.randn(8, 16)
    gradients = []
    for discriminator in (straight, reverse):
        loss, _ = discriminator.loss(student, teachers)
        gradients.append(torch.autograd.grad(loss, [student, *discriminator.parameters()]))
    torch.testing.assert_close(gradients[0][0], -gradients[1][0])
    assert gradients[0][0].abs().sum() > 0
    for of_straight, of_reverse in zip(gradients[0][1:], gradients[1][1:], strict=True):
        torch.testing.assert_close(of_straight, of_reverse)


def test_the_official_wiring_ends_in_a_relu_and_reverses_nothing() -> None:
    discriminator = made(Adversarial.OFFICIAL)
    assert float(discriminator(torch.randn(50, 16)).detach().min()) >= 0
    assert not discriminator.reversing
