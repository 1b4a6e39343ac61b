"""Latency: a median in milliseconds, measured in evaluation mode."""

import pytest
import torch
from torch import nn

from palmette_plugins.engines.profiling import measure_latency


class Counted(nn.Module):
    """Counts its passes and remembers how it ran."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(2000, 2000)
        self.passes = 0
        self.modes = set()

    def forward(self, x):
        self.passes += 1
        self.modes.add((self.training, torch.is_inference_mode_enabled()))
        return self.linear(x)


def test_it_measures_as_often_as_asked_in_evaluation_mode_and_restores_the_mode():
    module = Counted().train()

    latency_ms = measure_latency(module, (torch.zeros(1, 2000),), repeats=5)

    assert module.passes == 5 + 3
    assert module.modes == {(False, True)}
    assert module.training
    assert 0 < latency_ms < 1000


def test_more_work_takes_longer():
    small, large = nn.Linear(64, 64), nn.Linear(3000, 3000)

    quick = measure_latency(small, (torch.zeros(1, 64),))
    slow = measure_latency(large, (torch.zeros(64, 3000),))

    assert slow > quick


def test_no_repeats_make_no_median():
    with pytest.raises(ValueError, match="at least 1"):
        measure_latency(nn.Identity(), (torch.zeros(1),), repeats=0)
