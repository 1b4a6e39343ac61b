"""What cannot be grown is named."""

import pytest
from torch import nn

from palmette_plugins.architectures.zoo.resnet import ResNet
from palmette_plugins.engines.template_mixing import Grid, plan_growth


def test_every_layer_of_a_resnet_can_be_grown() -> None:
    plan = plan_growth(ResNet(3, 8, 3, 10), ResNet(3, 16, 3, 10))
    assert plan.problems == ()
    assert len(plan.grids) == 1 + 18 + 2 + 1  # stem, convolutions of the blocks, shortcuts, classifier


def _pair(make) -> tuple[nn.Module, nn.Module]:
    return nn.Sequential(nn.Linear(3, 4), make(4)), nn.Sequential(nn.Linear(3, 8), make(8))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda n: nn.Conv2d(n, n, 3, groups=n), "groups"),
        (lambda n: nn.Conv2d(n, n, 3, groups=2), "groups"),
        (lambda n: nn.Conv2d(n, n, 3, padding_mode="reflect"), "reflect"),
        (lambda n: nn.LayerNorm(n), "LayerNorm"),
        (lambda n: nn.Conv1d(n, n, 3), "Conv1d"),
        (lambda n: nn.Linear(n, n + 1), "width"),
        (lambda n: nn.Linear(5, 5), "width"),
        (lambda n: nn.BatchNorm2d(5), "width 5 is not twice 5"),
        (lambda n: nn.Conv2d(n, n, n - 1), "width"),
    ],
)
def test_a_layer_that_cannot_be_grown_is_named_with_the_reason(make, reason) -> None:
    plan = plan_growth(*_pair(make))
    assert len(plan.problems) == 1
    assert plan.problems[0].startswith("layer '1' cannot be grown")
    assert reason in plan.problems[0]


def test_a_missing_layer_is_named() -> None:
    plan = plan_growth(nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 2)), nn.Sequential(nn.Linear(2, 6)))
    assert plan.problems == ("layer '1' cannot be grown: the target has no such layer",)
    assert plan.grids == {"0": Grid.OUTPUTS}
