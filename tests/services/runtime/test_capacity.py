"""Who may start next."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from palmette_protos.v1 import job_pb2
from palmette_services.runtime.scheduling.capacity import Capacity, Demand, fitting, impossible, waiting_reason

TOTAL = Capacity(slots=2, cpu=4.0, gpus=2, memory_bytes=8_000_000_000)
demands = st.builds(Demand, cpu=st.floats(0, 8), gpus=st.integers(0, 4), memory_bytes=st.integers(0, 16_000_000_000))


@given(st.lists(demands, max_size=8))
def test_what_starts_together_fits_together(waiting: list[Demand]) -> None:
    by_id = {str(index): demand for index, demand in enumerate(waiting)}
    free = TOTAL
    for job_id in fitting(by_id.items(), TOTAL):
        assert not free.lacks(by_id[job_id])
        free = free.without(by_id[job_id])


def test_job_that_waits_for_a_gpu_lets_others_pass_that_need_none() -> None:
    waiting = [("big", Demand(1, gpus=3)), ("small", Demand(1)), ("gpu", Demand(1, gpus=1))]
    assert list(fitting(waiting, TOTAL)) == ["small"]


def test_job_that_waits_for_cores_is_not_overtaken_by_those_that_need_fewer() -> None:
    free = TOTAL.without(Demand(1))
    assert list(fitting([("big", Demand(4)), ("small", Demand(1))], free)) == []


@pytest.mark.parametrize(
    ("demand", "reason"),
    [
        (Demand(5), "waiting for 5 cores (4 of 4 free)"),
        (Demand(1, gpus=3), "waiting for 3 GPUs (2 of 2 free)"),
        (Demand(1, memory_bytes=9_000_000_000), "waiting for 9.0 GB of memory (8.0 GB free)"),
        (Demand(1), "about to start"),
    ],
)
def test_reason_to_wait_names_what_lacks(demand: Demand, reason: str) -> None:
    assert waiting_reason(demand, TOTAL, TOTAL) == reason


def test_reason_to_wait_counts_busy_slots() -> None:
    free = TOTAL.without(Demand(1)).without(Demand(1))
    assert waiting_reason(Demand(1), free, TOTAL) == "waiting for a slot (2 of 2 busy)"


def test_what_never_fits_is_a_violation_for_each_resource() -> None:
    resources = job_pb2.Resources(gpus=9, cpu=9, memory_bytes=9_000_000_000)
    fields = [violation.field for violation in impossible(resources, TOTAL, 1.0)]
    assert fields == ["job.resources.gpus", "job.resources.cpu", "job.resources.memory_bytes"]
