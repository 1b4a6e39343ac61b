"""The contrastive loss against the card's numbers."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from palmette_plugins.engines.contrastive import LogitScale, contrastive_loss, loss_sides

COSINES = torch.tensor([[0.9, 0.3, 0.1], [0.2, 0.8, 0.4], [0.5, 0.0, 0.7]], dtype=torch.float64)


def test_both_sides_and_their_mean() -> None:
    images, texts = loss_sides(COSINES, 10.0)
    assert float(images) == pytest.approx(0.0503741, abs=5e-8)
    assert float(texts) == pytest.approx(0.0256798, abs=5e-8)
    assert float((images + texts) / 2) == pytest.approx(0.0380269, abs=6e-8)


def test_equal_embeddings_leave_only_chance() -> None:
    same = F.normalize(torch.ones(8, 5), dim=1)
    assert float(contrastive_loss(same, same, 1 / 0.07)) == pytest.approx(2.0794415, abs=1e-6)


def test_matched_orthonormal_pairs() -> None:
    pairs = torch.eye(8, dtype=torch.float64)
    expected = math.log(1 + 7 * math.exp(-1 / 0.07))
    assert expected == pytest.approx(4.37412e-06, rel=1e-5)
    assert float(contrastive_loss(pairs, pairs, 1 / 0.07)) == pytest.approx(expected, rel=1e-9)


def test_scale_starts_at_one_over_007_and_stops_at_100() -> None:
    scale = LogitScale()
    assert scale().item() == pytest.approx(1 / 0.07, rel=1e-6)
    with torch.no_grad():
        scale.logarithm.fill_(6.0)
    assert scale().item() == 100.0


def test_the_loss_is_symmetric_in_images_and_texts() -> None:
    generator = torch.Generator().manual_seed(0)
    images, texts = (F.normalize(torch.randn(6, 4, generator=generator), dim=1) for _ in range(2))
    assert float(contrastive_loss(images, texts, 5.0)) == pytest.approx(float(contrastive_loss(texts, images, 5.0)))
    assert float(contrastive_loss(images, texts, 5.0)) != pytest.approx(float(contrastive_loss(images, images, 5.0)))
