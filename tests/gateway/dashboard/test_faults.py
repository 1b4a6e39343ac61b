"""Parts that are down: the page says so, shows the rest, and recovers by itself."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest
from playwright.async_api import expect
from tests.gateway.dashboard.conftest import Dashboard, Opener, running

from palmette_protos.v1 import job_pb2, suite_pb2

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("path", ["/artifacts", "/deployments", "/deployments/new", "/tokens", "/plugins", "/jobs"])
async def test_without_serving_every_page_still_answers_and_names_what_is_down(
    dashboard: Dashboard, open_page: Opener, path: str
) -> None:
    kind, state = suite_pb2.COMPONENT_KIND_SERVICE, suite_pb2.HEALTH_STATE_UNHEALTHY
    await dashboard.suite.stop_server("serving")
    await dashboard.suite.health.set("services/serving", kind, state, "its process ended; `palmette up` restarts it")
    page = (await open_page(path)).page
    await expect(page.locator("#banner")).to_contain_text("services/serving is unhealthy since")
    await expect(page.locator("#banner")).to_contain_text("restarts it")
    await expect(page.locator("h1")).to_be_visible()


async def test_the_overview_without_serving_shows_jobs_and_says_why_deployments_are_missing(
    dashboard: Dashboard, open_page: Opener
) -> None:
    await dashboard.suite.stop_server("serving")
    page = (await open_page("/")).page
    await expect(page.locator("#running")).to_contain_text("random-pruning")
    await expect(page.locator("#deployments")).to_contain_text("Deployments cannot be listed")
    await dashboard.suite.start_server("serving")
    await expect(page.locator("#deployments")).to_contain_text("clothes")
    await expect(page.locator("#deployments")).not_to_contain_text("cannot be listed")


async def test_without_the_control_plane_the_page_says_that_health_is_not_known(
    dashboard: Dashboard, open_page: Opener
) -> None:
    page = (await open_page("/")).page
    await expect(page.locator("#health")).to_contain_text("Everything works")
    await dashboard.suite.stop_server("gateway")
    await expect(page.locator("#health")).to_contain_text("health is not known")
    await expect(page.locator("#running")).to_contain_text("Jobs cannot be listed")
    await dashboard.suite.start_server("gateway")
    await expect(page.locator("#health")).to_contain_text("Everything works")
    await expect(page.locator("#running")).to_contain_text("random-pruning")


async def test_a_page_whose_stream_breaks_says_so_and_comes_back(dashboard: Dashboard, open_page: Opener) -> None:
    watched = await open_page("/", allow=("ERR_INTERNET_DISCONNECTED", "ERR_NETWORK", "ERR_"))
    await expect(watched.page.locator("#connection")).to_be_hidden()
    await watched.page.context.set_offline(True)
    await watched.page.evaluate("window.dispatchEvent(new PageTransitionEvent('pagehide'))")
    await watched.page.evaluate("window.dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    await expect(watched.page.locator("#connection")).to_be_visible()
    await watched.page.context.set_offline(False)
    await expect(watched.page.locator("#connection")).to_be_hidden(timeout=25_000)
    dashboard.suite.deployments.stats["deployments/clothes"].requests_per_s = 555.0
    await expect(watched.page.locator("#deployments")).to_contain_text("555/s")


async def test_a_job_of_a_dead_service_is_a_page_that_says_so(dashboard: Dashboard, open_page: Opener) -> None:
    await dashboard.suite.stop_server("pruning_growth")
    _, service, _, identifier = dashboard.training.split("/")
    page = (await open_page(f"/jobs/{service}/{identifier}", allow=("503",))).page
    await expect(page.locator("h1")).to_have_text("A part of the suite does not answer")
    await expect(page.get_by_role("link", name="To the overview")).to_be_visible()


async def test_open_streams_do_not_keep_the_server_from_stopping() -> None:
    loop = asyncio.get_running_loop()
    async with AsyncExitStack() as server, AsyncExitStack() as streams:
        dashboard = await server.enter_async_context(running())
        client = await streams.enter_async_context(dashboard.client())
        _, service, _, identifier = dashboard.training.split("/")
        lines = []  # kept: a stream that nobody holds is closed
        for path in ("/live/overview", f"/live/jobs/{service}/{identifier}"):
            response = await streams.enter_async_context(client.stream("GET", path))
            lines.append(response.aiter_lines())
            assert await anext(lines[-1]) == "event: fragments"
        began = loop.time()
        await server.aclose()
        assert loop.time() - began < 5


async def test_a_page_that_fails_unforeseen_is_still_a_page_that_says_where_to_look(dashboard: Dashboard) -> None:
    dashboard.suite.store.jobs["broken"] = job_pb2.Job(name="no job's name", plugin="p", state=job_pb2.JOB_STATE_QUEUED)
    async with dashboard.client() as client:
        response = await client.get("/jobs")
        other = await client.get("/artifacts")
    assert response.status_code == 500
    assert "Something failed that should not" in response.text
    assert "gateway&#39;s log" in response.text
    assert "Traceback" not in response.text
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert other.status_code == 200
