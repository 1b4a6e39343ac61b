"""The overview in a browser: what is wrong, what runs, and that it stays true without reloading."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect
from tests.gateway.dashboard.conftest import Dashboard, Opener, opener
from tests.gateway.dashboard.sample_suite.sample_jobs import report_epoch

from palmette_protos.v1 import suite_pb2

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_it_shows_jobs_failures_deployments_and_parts(dashboard: Dashboard, open_page: Opener) -> None:
    page = (await open_page("/")).page
    await expect(page.locator("#health")).to_contain_text("Everything works")
    await expect(page.locator("#running")).to_contain_text("epoch 12 of 20")
    await expect(page.locator("#running")).to_contain_text("waiting for a slot (1 of 1 busy)")
    await expect(page.locator("#failures")).to_contain_text("use a smaller recipe.batch_size")
    await expect(page.locator("#deployments")).to_contain_text("184/s")
    await expect(page.locator("#parts")).to_contain_text("services/pruning_growth")


async def test_a_part_that_breaks_shows_with_its_reason_and_goes_when_it_works(
    dashboard: Dashboard, open_page: Opener
) -> None:
    page = (await open_page("/")).page
    await expect(page.locator("#health-pill")).to_contain_text("All healthy")
    kind = suite_pb2.COMPONENT_KIND_INFERENCE_SERVER
    reason = "it does not answer; `palmette status` says more"
    await dashboard.suite.health.set("triton", kind, suite_pb2.HEALTH_STATE_UNHEALTHY, reason, age_s=125)
    await expect(page.locator("#health")).to_contain_text("1 part needs attention")
    await expect(page.locator(".trouble")).to_contain_text("2 min ago")
    await expect(page.locator(".trouble")).to_contain_text(reason)
    await expect(page.locator("#health-pill")).to_contain_text("Unhealthy")
    await dashboard.suite.health.set("triton", kind, suite_pb2.HEALTH_STATE_HEALTHY)
    await expect(page.locator("#health")).to_contain_text("Everything works")


async def test_progress_moves_without_reloading(dashboard: Dashboard, open_page: Opener) -> None:
    page = (await open_page("/")).page
    await page.evaluate("window.sameDocument = true")
    report_epoch(dashboard.suite.store, dashboard.training, 14)
    await expect(page.locator("#running")).to_contain_text("epoch 15 of 20")
    assert await page.locator("#running progress").first.get_attribute("value") == "0.7500"
    assert await page.evaluate("window.sameDocument")


async def test_deployment_figures_move_without_reloading(dashboard: Dashboard, open_page: Opener) -> None:
    page = (await open_page("/")).page
    dashboard.suite.deployments.stats["deployments/clothes"].requests_per_s = 977.0
    await expect(page.locator("#deployments")).to_contain_text("977/s")


async def test_an_idle_suite_says_what_to_do_next(empty_dashboard: Dashboard, browser: Browser) -> None:
    async with opener(empty_dashboard, browser) as open_empty:
        page = (await open_empty("/")).page
        await expect(page.locator("#running")).to_contain_text("Nothing runs")
        await expect(page.locator("#running a[href='/plugins']")).to_be_visible()
        await expect(page.locator("#failures")).to_contain_text("No job has failed")
        await expect(page.locator("#deployments")).to_contain_text("Nothing is served")


async def test_the_link_of_the_launcher_signs_in_and_leaves_no_token_in_the_address(
    dashboard: Dashboard, open_page: Opener
) -> None:
    watched = await open_page("/login#token=operator", role="")
    sent: list[str] = []
    watched.page.on("request", lambda request: sent.append(request.url))
    await expect(watched.page.locator("#running")).to_be_visible()
    assert watched.page.url == f"{dashboard.url}/"
    await expect(watched.page.locator(".foot")).to_contain_text("operator@example.org")
    assert not any("operator" in url for url in sent)
