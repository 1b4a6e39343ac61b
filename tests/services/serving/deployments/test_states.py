"""What has to happen next, decided from what is stored and what Triton serves."""

from __future__ import annotations

from collections.abc import Collection

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palmette_plugins.api import FailedPrecondition, NotFound
from palmette_protos.serving.v1 import deployment_pb2
from palmette_services.serving.deployments.rollback import rollback_version
from palmette_services.serving.deployments.states import UNFINISHED, Deployment, Step, Version, VersionState, next_step

E, L, R, F, T = (
    VersionState.EXPORTING,
    VersionState.LOADING,
    VersionState.READY,
    VersionState.FAILED,
    VersionState.RETIRED,
)


def version(number: int, state: VersionState) -> Version:
    served = deployment_pb2.DeploymentVersion()
    ready = 1 if state in (R, T) else None
    return Version(number, "a" * 64, "", state, 0, 1e-4, 1e-3, "", None, served, number, ready)


def deployment(states: list[VersionState], serving: int, target: int, *, deleting: bool = False) -> Deployment:
    """Versions 1, 2, ... with these states."""
    versions = [version(at + 1, state) for at, state in enumerate(states)]
    defaults = deployment_pb2.ServingSettings()
    return Deployment("digits", 0, defaults, serving, target, deleting, tuple(reversed(versions)))


@pytest.mark.parametrize(
    ("states", "serving", "target", "loaded", "step"),
    [
        ([E], 0, 1, [], Step.EXPORT),
        ([E], 0, 1, None, Step.EXPORT),  # exporting needs no Triton
        ([L], 0, 1, [], Step.PROMOTE),
        ([L], 0, 1, None, Step.NOTHING),
        ([R], 1, 1, [1], Step.NOTHING),
        ([R], 1, 1, [], Step.RESTORE),
        ([R], 1, 1, None, Step.NOTHING),
        ([R, E], 1, 2, [], Step.RESTORE),  # clients of version 1 do not wait for the export of version 2
        ([R, E], 1, 2, [1], Step.EXPORT),
        ([R, L], 1, 2, [2], Step.PROMOTE),  # the service died between the switch and noting it
        ([R, L], 1, 2, [], Step.RESTORE),
        ([E, E], 0, 2, [], Step.SUPERSEDE),
        ([R, F], 1, 2, [1], Step.NOTHING),
        ([F], 0, 1, [], Step.NOTHING),
        ([L, T], 2, 1, [2], Step.PROMOTE),  # rolling back
    ],
)
def test_next_step(
    states: list[VersionState], serving: int, target: int, loaded: Collection[int] | None, step: Step
) -> None:
    assert next_step(deployment(states, serving, target), loaded) is step


def test_deleting_comes_before_everything() -> None:
    assert next_step(deployment([R, E, L], 1, 2, deleting=True), []) is Step.DELETE


@settings(deadline=None, derandomize=True)
@given(
    st.lists(st.sampled_from([E, L, F, T]), min_size=1, max_size=4),
    st.integers(1, 4),
    st.none() | st.sets(st.integers(1, 4)),
)
def test_only_one_version_is_ever_worked_on(
    states: list[VersionState], target: int, loaded: Collection[int] | None
) -> None:
    target = min(target, len(states))
    asked = deployment(states, 0, target)
    others_unfinished = any(state in UNFINISHED for at, state in enumerate(states) if at + 1 != target)
    step = next_step(asked, loaded)
    assert (step is Step.SUPERSEDE) == others_unfinished


def test_rollback_goes_to_the_newest_version_that_served_before_the_current_one() -> None:
    assert rollback_version(deployment([T, T, F, R, T], 4, 4), 0).number == 2


def test_rollback_to_a_later_version_is_possible_by_number() -> None:
    assert rollback_version(deployment([R, T], 1, 1), 2).number == 2


@pytest.mark.parametrize(
    ("states", "serving", "number", "error"),
    [
        ([R], 1, 0, FailedPrecondition),
        ([R, F], 1, 2, FailedPrecondition),
        ([R, E], 1, 2, FailedPrecondition),
        ([R], 1, 7, NotFound),
    ],
)
def test_rollback_to_what_never_served_is_refused(
    states: list[VersionState], serving: int, number: int, error: type[Exception]
) -> None:
    with pytest.raises(error):
        rollback_version(deployment(states, serving, serving), number)
