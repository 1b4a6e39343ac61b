"""Comparing a runtime with PyTorch."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from palmette_plugins.api import FailedPrecondition
from palmette_plugins.serving.parity import Parity, Tolerance, compare_outputs, compare_runtime

STRICT = Tolerance(0.0, 0.0)


def doubled(batch: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    return {"y": 2 * batch["x"]}


@given(st.integers(1, 20), st.lists(st.integers(1, 24), min_size=1, max_size=3))
def test_every_sample_is_seen_in_every_batch_size(count: int, sizes: list[int]) -> None:
    seen: list[tuple[int, ...]] = []

    def run(batch: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        seen.append(tuple(batch["x"].int().tolist()))
        return doubled(batch)

    inputs = {"x": torch.arange(count, dtype=torch.float32)}
    parity = compare_runtime("it", run, inputs, doubled(inputs), STRICT, sizes)
    assert parity == Parity(count, 0.0)
    assert {len(batch) for batch in seen} == set(sizes)
    for size in sizes:
        assert {sample for batch in seen if len(batch) == size for sample in batch} == set(range(count))


@given(st.floats(1e-6, 1e3), st.floats(-1e3, 1e3), st.floats(0, 1), st.floats(0, 1))
def test_difference_is_allowed_up_to_atol_plus_rtol_times_value(
    difference: float, value: float, atol: float, rtol: float
) -> None:
    expected = {"y": torch.tensor([value], dtype=torch.float64)}
    got = {"y": expected["y"] + difference}
    measured = float((got["y"] - expected["y"]).abs())
    if measured <= atol + rtol * abs(value):
        assert compare_outputs("it", got, expected, Tolerance(atol, rtol)) == measured
    else:
        with pytest.raises(FailedPrecondition):
            compare_outputs("it", got, expected, Tolerance(atol, rtol))


def test_refusal_names_the_output_and_the_largest_difference() -> None:
    expected = {"y": torch.zeros(2, 3)}
    got = {"y": torch.tensor([[0, 0, 0.25], [0, 1.5, 0]])}
    with pytest.raises(FailedPrecondition, match=r"it differs from PyTorch: output 'y' by up to 1\.5 \(2 of 6 values"):
        compare_outputs("it", got, expected, Tolerance(0.1, 0))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_outputs_that_are_no_numbers_are_refused(value: float) -> None:
    with pytest.raises(FailedPrecondition, match="by up to nan"):
        compare_outputs("it", {"y": torch.tensor([value])}, {"y": torch.zeros(1)}, Tolerance(1e9, 1e9))


def test_other_shape_is_refused() -> None:
    with pytest.raises(FailedPrecondition, match=r"of shape \(2, 1\), PyTorch of \(2,\)"):
        compare_outputs("it", {"y": torch.zeros(2, 1)}, {"y": torch.zeros(2)}, STRICT)


def test_runtime_that_depends_on_the_batch_is_refused() -> None:
    def centred(batch: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        return {"y": batch["x"] - batch["x"].mean()}

    inputs = {"x": torch.arange(16, dtype=torch.float32)}
    with pytest.raises(FailedPrecondition, match=r"\(batch size 1\)"):
        compare_runtime("it", centred, inputs, centred(inputs), Tolerance(1e-4, 1e-3), (1, 16))
