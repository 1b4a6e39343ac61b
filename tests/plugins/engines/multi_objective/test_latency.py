"""How many passes a latency takes, and what is left as it was."""

import pytest
import torch
from torch import nn

from palmette_plugins.engines.multi_objective.latency import TIMED_WEIGHT, WARM_UP_WEIGHT, measure_latency, steps


@pytest.mark.parametrize(
    ("batch", "warm_up", "timed"), [(1, 100, 500), (8, 12, 62), (16, 6, 31), (32, 5, 25), (128, 5, 25), (1000, 5, 25)]
)
def test_passes_by_batch_size(batch, warm_up, timed):
    assert (steps(batch, WARM_UP_WEIGHT), steps(batch, TIMED_WEIGHT)) == (warm_up, timed)


def test_every_pass_is_made_and_the_mode_stays():
    calls = []
    module = nn.Sequential(nn.Linear(4, 4), nn.Dropout())
    module[0].register_forward_hook(lambda layer, *_: calls.append(layer.training))
    module.train()

    found = measure_latency(module, torch.zeros(16, 4))

    assert calls == [False] * (6 + 31)
    assert module.training
    assert found.median_ms > 0
    assert found.mean_ms > 0
    assert found.deviation_ms >= 0
