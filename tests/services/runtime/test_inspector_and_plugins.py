"""Asking plugins from a process that must not load them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import grpc
import pytest
from palmette_test_service.process import ServiceProcess

from palmette_plugins.api.errors import FailedPrecondition, InvalidArgument, NotFound, ResourceExhausted
from palmette_plugins.api.job_spec import JobSpec
from palmette_protos.v1 import plugin_pb2
from palmette_services.runtime.inspector import Inspector
from palmette_services.runtime.processes.forkserver import Forkserver


@pytest.fixture
async def inspector() -> AsyncIterator[Inspector]:
    """An inspector of the test service's plugins, with torch loaded once for all tests of this process."""
    forkserver = Forkserver("torch,palmette_plugins.api.submission")
    asked = Inspector("testing", forkserver, "/nowhere", check_timeout_s=30)
    yield asked
    await asked.close()


async def test_operation_is_answered_with_the_store_added(inspector: Inspector) -> None:
    assert await inspector.call("add", {"a": 1, "b": 2}, timeout_s=30) == {"sum": 3, "store": "/nowhere"}


async def test_errors_come_back_as_they_were_raised(inspector: Inspector) -> None:
    with pytest.raises(InvalidArgument) as caught:
        await inspector.call("add", {}, timeout_s=30)
    assert [(violation.field, violation.description) for violation in caught.value.violations] == [("a", "required")]
    with pytest.raises(NotFound, match="did you mean 'add'"):
        await inspector.call("ad", {}, timeout_s=30)
    with pytest.raises(InvalidArgument, match="13 is unlucky"):
        await inspector.check(JobSpec("testing", "steps", config={"steps": 13}), within_s=60)


async def test_dead_and_hanging_operations_are_told_and_the_next_works(inspector: Inspector) -> None:
    with pytest.raises(FailedPrecondition, match="its process was killed by SIGKILL"):
        await inspector.call("misbehave", {"how": "die"}, timeout_s=30)
    with pytest.raises(FailedPrecondition, match=r"took longer than 0\.5 s"):
        await inspector.call("misbehave", {"how": "hang", "seconds": 60}, timeout_s=0.5)
    assert (await inspector.call("add", {"a": 1, "b": 2}, timeout_s=30))["sum"] == 3


async def test_long_operation_does_not_hold_up_a_check(inspector: Inspector) -> None:
    await inspector.check(JobSpec("testing", "steps"), within_s=60)
    long = asyncio.create_task(inspector.call("misbehave", {"how": "hang", "seconds": 60}, timeout_s=60))
    await asyncio.sleep(0)
    start_s = time.monotonic()
    await inspector.check(JobSpec("testing", "steps"), within_s=60)
    assert time.monotonic() - start_s < 10
    long.cancel()
    with pytest.raises(asyncio.CancelledError):
        await long


async def test_caller_that_leaves_does_not_spoil_the_next_answer(inspector: Inspector) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await inspector.call("misbehave", {"how": "hang", "seconds": 60}, timeout_s=60)
    assert (await inspector.call("add", {"a": 1, "b": 2}, timeout_s=30))["sum"] == 3


async def test_check_goes_on_when_its_caller_leaves_and_others_wait_for_it(inspector: Inspector) -> None:
    await inspector.check(JobSpec("testing", "steps"), within_s=60)
    slow = JobSpec("testing", "misbehaving", config={"how": "check_hangs", "seconds": 1.0})
    start_s = time.monotonic()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await inspector.check(slow, within_s=60)
    with pytest.raises(ResourceExhausted, match=r"busy since 0\.1 s; try again"):
        await inspector.check(JobSpec("testing", "steps"), within_s=0.1)
    await inspector.check(JobSpec("testing", "steps"), within_s=60)
    assert time.monotonic() - start_s >= 1.0


def test_catalogue_shows_ready_and_broken_plugins(shared_service: ServiceProcess) -> None:
    listed = shared_service.plugins.ListPlugins(plugin_pb2.ListPluginsRequest(parent="services/testing")).plugins
    plugins = {plugin.name.rsplit("/", 1)[-1]: plugin for plugin in listed}
    assert list(plugins) == ["broken-import", "deadly-import", "misbehaving", "reporting", "steps"]
    assert plugins["broken-import"].state == plugin_pb2.PLUGIN_STATE_BROKEN
    assert plugins["broken-import"].import_error.startswith("ModuleNotFoundError: No module named 'a_module")
    assert "exit code -11" in plugins["deadly-import"].import_error
    steps = plugins["steps"]
    assert (steps.state, steps.kind) == (plugin_pb2.PLUGIN_STATE_READY, plugin_pb2.PLUGIN_KIND_TRAIN)
    assert steps.summary == "Walk at random."
    assert [(output.name, output.repeated_output) for output in steps.outputs] == [("report", False), ("parts", True)]
    assert "steps" in steps.config_schema["properties"]
    assert (steps.distribution, steps.version) == ("palmette-test-plugins", "1.0")


def test_one_plugin_is_found_by_name_and_its_neighbours_are_named(shared_service: ServiceProcess) -> None:
    request = plugin_pb2.GetPluginRequest(name="services/testing/plugins/steps")
    assert shared_service.plugins.GetPlugin(request).plugin.name == request.name
    with pytest.raises(grpc.RpcError, match="did you mean 'steps'"):
        shared_service.plugins.GetPlugin(plugin_pb2.GetPluginRequest(name="services/testing/plugins/step"))
    with pytest.raises(grpc.RpcError, match="is not a plugin name"):
        shared_service.plugins.GetPlugin(plugin_pb2.GetPluginRequest(name="plugins/steps"))
