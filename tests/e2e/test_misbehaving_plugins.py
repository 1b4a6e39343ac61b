"""Plugins of third parties that do not behave: they fail alone."""

from __future__ import annotations

import pytest
from tests.e2e.suite import Suite
from tests.sdk.deadlines import wait_until

import palmette
from palmette.errors import FailedPrecondition, JobFailed
from palmette.types import PluginState


def test_a_plugin_that_raises_fails_its_job_with_cause_class_and_log(client: palmette.Client) -> None:
    job = client.submit("raising")

    with pytest.raises(JobFailed) as caught:
        job.wait(timeout_s=60)

    failure = caught.value.failure
    assert failure.exception_class == "ZeroDivisionError"
    assert "division by zero" in failure.cause
    assert "\n" not in failure.cause
    assert any("about to divide" in line for line in failure.log_tail)


def test_a_plugin_that_does_not_import_is_listed_as_broken_and_cannot_be_submitted(client: palmette.Client) -> None:
    plugin = client.plugin("missing-library")

    assert plugin.state is PluginState.BROKEN
    assert "a_library_that_nobody_has" in plugin.import_error
    with pytest.raises(FailedPrecondition, match="a_library_that_nobody_has"):
        client.submit("missing-library")


def test_the_others_are_ready(client: palmette.Client) -> None:
    ready = {plugin.id for plugin in client.plugins() if plugin.state is PluginState.READY}

    assert {"dense-training", "random-pruning", "layer-lottery", "mixture-growth", "model-averaging"} <= ready


def test_cancelling_takes_effect_within_seconds_and_frees_the_slot(client: palmette.Client, suite: Suite) -> None:
    jobs = [client.submit("counting", steps=10_000) for _ in range(2)]
    waiting = client.submit("counting", steps=1)
    wait_until(lambda: all(job.refresh().state == "RUNNING" for job in jobs), 30)
    assert "slot" in waiting.refresh().info.waiting_reason

    for job in jobs:
        job.cancel("not needed")
    wait_until(lambda: all(job.refresh().state == "CANCELLED" for job in jobs), 10, "both jobs stopping")

    assert waiting.wait(timeout_s=30).state == "SUCCEEDED"
