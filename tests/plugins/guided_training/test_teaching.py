"""What several teachers say together."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from palmette_plugins.engines.frozen import Frozen
from palmette_plugins.engines.recipe import Precision
from palmette_plugins.guided_training.teaching import Ensemble


class Answering(nn.Module):
    """A teacher whose logits are known."""

    def __init__(self, logits: list[list[float]]) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.tensor(logits))

    def forward(self, x: Tensor) -> Tensor:
        return self.logits + 0 * x.sum()


def test_probabilities_and_logits_are_averaged_apart() -> None:
    logits = [[[2.0, 0, 0], [0, 1, 0]], [[0.0, 2, 0], [0, 3, 0]]]
    teachers = [Frozen(Answering(each), torch.device("cpu"), Precision.FP32) for each in logits]
    answers = Ensemble(teachers)(torch.zeros(2, 1))
    torch.testing.assert_close(answers.logits, torch.tensor([[1.0, 1, 0], [0, 2, 0]]))
    torch.testing.assert_close(answers.probabilities[1], torch.tensor([0.1286, 0.7428, 0.1286]), atol=5e-5, rtol=0)
    assert not answers.probabilities.requires_grad
