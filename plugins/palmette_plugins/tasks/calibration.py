"""Expected calibration error (Guo et al., 2017, equation 3)."""

from __future__ import annotations

import torch
from torch import Tensor


class CalibrationError:
    """Mean distance between confidence and accuracy over equally wide bins of confidence, weighted by their size."""

    def __init__(self, bins: int) -> None:
        self._counts = torch.zeros(bins, dtype=torch.float64)
        self._confidences = torch.zeros(bins, dtype=torch.float64)
        self._correct = torch.zeros(bins, dtype=torch.float64)

    def update(self, confidences: Tensor, correct: Tensor) -> None:
        """Take in confidences in [0, 1] and whether each prediction was right; both of shape (B,)."""
        confidences, correct = confidences.detach().cpu().double(), correct.detach().cpu().double()
        bins = len(self._counts)
        # Bin m holds ((m - 1) / M, m / M], as in the paper.
        index = (confidences * bins).ceil().long().sub(1).clamp(0, bins - 1)
        self._counts.index_add_(0, index, torch.ones_like(confidences))
        self._confidences.index_add_(0, index, confidences)
        self._correct.index_add_(0, index, correct)

    def compute(self) -> float:
        """Return the error in [0, 1]."""
        total = self._counts.sum().clamp(min=1)
        return float((self._confidences - self._correct).abs().sum() / total)
