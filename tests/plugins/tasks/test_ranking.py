"""The ranking task: the loss and the measure of pairs of queries and passages."""

import pytest
import torch

from palmette_plugins.tasks.ranking import Ranking, encoder_io

QUERIES = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
PASSAGES = torch.tensor([[2.0, 0.0], [0.0, 1.0], [1.0, 2.0]])


def batch(texts=((4,), (5,), (6,))):
    tokens = torch.tensor([[[7], list(text)] for text in texts])
    return tokens, torch.ones_like(tokens)


def outputs(queries=QUERIES, passages=PASSAGES):
    return torch.stack([queries, passages], 1).flatten(0, 1)


def test_the_loss_is_that_of_the_survey_s_fixture():
    assert Ranking().loss(outputs(), batch()).item() == pytest.approx(0.740939, abs=1e-6)


def test_queries_and_passages_go_in_in_turn():
    tokens, mask = Ranking().inputs(batch())
    assert tokens.flatten().tolist() == [7, 4, 7, 5, 7, 6]
    assert mask.shape == (6, 1)


def test_each_query_ranks_its_own_passage_among_all():
    meter = Ranking().meter()
    for row in range(3):
        part = slice(row, row + 1)
        meter.update(outputs(QUERIES[part], PASSAGES[part]), tuple(tensor[part] for tensor in batch()))
    # Scores 2 0 1 / 0 1 2 / 2 1 3: the ranks are 1, 2, 1.
    assert meter.compute() == {"RR@10": pytest.approx((1 + 0.5 + 1) / 3)}


def test_equal_passages_are_one():
    meter = Ranking().meter()
    meter.update(outputs(QUERIES[:2], PASSAGES[:1].repeat(2, 1)), batch(((4,), (4,))))
    assert meter.compute() == {"RR@10": 1.0}


def test_the_signature_of_an_encoder():
    io = encoder_io(384)
    assert [tensor.name for tensor in io.inputs] == ["tokens", "mask"]
    assert io.outputs[0].shape == (384,)
