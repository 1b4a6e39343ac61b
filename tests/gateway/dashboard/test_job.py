"""One job in a browser: its course, its log, and what can be done about it."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect
from tests.gateway.dashboard.conftest import Dashboard, Opener, eventually
from tests.gateway.dashboard.sample_suite.sample_jobs import fail, report_epoch, succeed

from palmette_protos.v1 import job_pb2

pytestmark = pytest.mark.asyncio(loop_scope="module")


def _path(name: str) -> str:
    _, service, _, identifier = name.split("/")
    return f"/jobs/{service}/{identifier}"


def _named(dashboard: Dashboard, state: int) -> str:
    return next(job.name for job in dashboard.suite.store.jobs.values() if job.state == state)


async def _points(page: Page, group: str) -> int:
    """Return how many points a chart's lines have."""
    path = page.locator(f".chart[data-group='{group}'] .mark-line path").first
    drawn = await path.get_attribute("d") or ""
    return drawn.count("L") + drawn.count("M")


async def test_curves_of_train_and_validation_share_a_chart_and_grow(dashboard: Dashboard, open_page: Opener) -> None:
    page = (await open_page(_path(dashboard.training))).page
    chart = page.locator(".chart[data-group='loss']")
    await expect(chart).to_contain_text("train")
    await expect(chart).to_contain_text("validation")
    assert await _points(page, "loss") == 48
    report_epoch(dashboard.suite.store, dashboard.training, 12)
    await dashboard.suite.store.announce()

    async def grown() -> bool:
        return await _points(page, "loss") == 52

    await eventually(grown, "the new points are drawn")
    await expect(page.locator("#job-head")).to_contain_text("epoch 13 of 20")
    await expect(page.locator("#log")).to_contain_text("epoch 13: validation accuracy")


async def test_a_figure_of_a_plugin_is_drawn_without_eval(dashboard: Dashboard, open_page: Opener) -> None:
    page = (await open_page(_path(dashboard.training))).page
    await expect(page.locator("#figures svg .mark-rect path")).to_have_count(9)
    await expect(page.locator("#figures")).to_contain_text("Density per layer")


async def test_figures_cannot_load_anything(dashboard: Dashboard, open_page: Opener) -> None:
    spec = '{"data": {"url": "https://evil.example/x.json"}, "mark": "bar", "encoding": {"x": {"field": "a"}}, \
        "usermeta": {"embedOptions": {"ast": false, "loader": {}}}}'
    dashboard.suite.store.put(dashboard.training, figure=job_pb2.Figure(name="evil", vega_lite_json=spec))
    watched = await open_page(_path(dashboard.training), allow=("Loading failed", "ERROR"))
    await expect(watched.page.locator("#figures figure")).to_have_count(2)
    await expect(watched.page.locator("#figures")).to_contain_text("Density per layer")
    assert watched.foreign == []


async def test_markup_in_labels_and_log_lines_stays_text(dashboard: Dashboard, open_page: Opener) -> None:
    failed = _named(dashboard, job_pb2.JOB_STATE_FAILED)
    for name, text in ((failed, "alert('log')"), (dashboard.training, "alert('label')")):
        watched = await open_page(_path(name))
        alerts: list[str] = []
        watched.page.on("dialog", lambda dialog, alerts=alerts: alerts.append(dialog.message))
        await expect(watched.page.locator("body")).to_contain_text(f"<script>{text}</script>")
        assert await watched.page.locator("main script:not([type])").count() == 0
        assert alerts == []


async def test_a_failure_shows_cause_class_and_log_tail(dashboard: Dashboard, open_page: Opener) -> None:
    page = (await open_page(_path(_named(dashboard, job_pb2.JOB_STATE_FAILED)))).page
    await expect(page.locator("#job-head")).to_contain_text("out of memory at batch size 4096")
    await expect(page.locator("#job-head")).to_contain_text("ResourceExhausted")
    await page.get_by_text("The end of its log").click()
    await expect(page.locator(".tail")).to_contain_text("MemoryError")
    await expect(page.locator("#job-story")).to_contain_text("Failed")


async def test_cancelling_asks_first_and_then_stops_the_job(dashboard: Dashboard, open_page: Opener) -> None:
    page = (await open_page(_path(dashboard.training), role="operator")).page
    await page.get_by_role("button", name="Cancel").click()
    await expect(page.locator("#confirm")).to_be_visible()
    await page.locator("#confirm").get_by_role("button", name="Keep").click()
    assert dashboard.suite.store.jobs[dashboard.training].state == job_pb2.JOB_STATE_RUNNING
    await page.get_by_role("button", name="Cancel").click()
    await page.locator("#confirm").get_by_role("button", name="Go ahead").click()
    await expect(page.locator("#job-head .badge").first).to_have_text("Cancelled")
    await expect(page.locator("#job-story")).to_contain_text("cancelled by operator@example.org")
    await expect(page.get_by_role("button", name="Retry")).to_be_visible()


async def test_a_retried_job_goes_on_on_the_open_page(dashboard: Dashboard, open_page: Opener) -> None:
    store, name = dashboard.suite.store, _named(dashboard, job_pb2.JOB_STATE_FAILED)
    page = (await open_page(_path(name))).page
    await page.get_by_role("button", name="Retry").click()
    await expect(page.locator("#job-head .badge").first).to_have_text("Queued")
    store.put(name, state=job_pb2.StateChange(state=job_pb2.JOB_STATE_RUNNING))
    report_epoch(store, name, 0)
    await store.announce()
    await expect(page.locator("#job-story")).to_contain_text("attempt 2")
    await expect(page.locator("#log")).to_contain_text("epoch 1: validation accuracy")
    succeed(store, name, {"model": "artifacts/" + "ab" * 32})
    await store.announce()
    await expect(page.locator("#job-results")).to_contain_text("abababab")
    await expect(page.locator("#job-head .badge").first).to_have_text("Succeeded")


async def test_deleting_leads_back_to_the_list(dashboard: Dashboard, open_page: Opener) -> None:
    name = _named(dashboard, job_pb2.JOB_STATE_FAILED)
    page = (await open_page(_path(name))).page
    await page.get_by_role("button", name="Delete").click()
    await page.locator("#confirm").get_by_role("button", name="Go ahead").click()
    await page.wait_for_url("**/jobs")
    assert name not in dashboard.suite.store.jobs


async def test_a_viewer_sees_what_is_not_allowed_and_why(dashboard: Dashboard, open_page: Opener) -> None:
    page = (await open_page(_path(dashboard.training), role="viewer")).page
    button = page.get_by_role("button", name="Cancel")
    await expect(button).to_be_disabled()
    assert "needs the role operator" in (await button.get_attribute("title") or "")


async def test_an_action_that_fails_says_so_on_the_page(dashboard: Dashboard, open_page: Opener) -> None:
    watched = await open_page(_path(dashboard.training), allow=("503",))
    await expect(watched.page.locator("#log .line")).to_have_count(13)
    await dashboard.suite.stop_server("pruning_growth")
    await watched.page.get_by_role("button", name="Cancel").click()
    await watched.page.locator("#confirm").get_by_role("button", name="Go ahead").click()
    await expect(watched.page.locator("#toasts")).to_contain_text("A part of the suite does not answer")
    await expect(watched.page.locator("#job-head .badge").first).to_have_text("Running")


async def test_the_log_is_complete_after_the_service_was_away(dashboard: Dashboard, open_page: Opener) -> None:
    watched = await open_page(_path(dashboard.training))
    lines = watched.page.locator("#log .line")
    await expect(lines).to_have_count(13)
    await dashboard.suite.stop_server("pruning_growth")
    report_epoch(dashboard.suite.store, dashboard.training, 12)
    await dashboard.suite.start_server("pruning_growth")
    await expect(lines).to_have_count(14)
    report_epoch(dashboard.suite.store, dashboard.training, 13)
    await dashboard.suite.store.announce()
    await expect(lines).to_have_count(15)


async def test_the_log_can_be_downloaded_whole(dashboard: Dashboard) -> None:
    async with dashboard.client("viewer") as client:
        response = await client.get(_path(dashboard.training) + "/log.txt")
    assert response.headers["content-type"].startswith("text/plain")
    assert "attachment" in response.headers["content-disposition"]
    assert len(response.text.splitlines()) == 13


async def test_a_long_log_shows_its_end_and_says_what_is_missing(dashboard: Dashboard, open_page: Opener) -> None:
    for number in range(1500):
        dashboard.suite.store.put(dashboard.training, log=job_pb2.LogLine(severity=2, text=f"line {number}"))
    page = (await open_page(_path(dashboard.training))).page
    await expect(page.locator("#log")).to_contain_text("line 1499")
    assert await page.locator("#log .line").count() == 1000
    await expect(page.locator("#log")).to_contain_text("513 earlier lines")


async def test_the_command_repeats_the_job(dashboard: Dashboard, open_page: Opener) -> None:
    page = (await open_page(_path(dashboard.training))).page
    command = (await page.locator("#again-title >> xpath=../.. >> code").inner_text()).replace("\\\n", " ")
    for part in ("palmette run pruning_growth/random-pruning", "--model zoo:resnet20", "--set density=0.1", "--seed 7"):
        assert part in command
    await page.locator("#again-title >> xpath=../.. >> [data-copy]").click()
    await expect(page.locator("#toasts")).to_contain_text("Copied")
    assert "palmette run" in await page.evaluate("navigator.clipboard.readText()")


async def test_a_job_that_does_not_exist_is_a_readable_page(dashboard: Dashboard, open_page: Opener) -> None:
    watched = await open_page("/jobs/pruning_growth/01ARZ3NDEKTSV4RRFFQ69G5FAV", allow=("404",))
    await expect(watched.page.locator("h1")).to_have_text("There is nothing here")
    await expect(watched.page.locator("main")).to_contain_text("it may have been deleted")


async def test_a_job_that_fails_while_it_is_watched_shows_why(dashboard: Dashboard, open_page: Opener) -> None:
    page = (await open_page(_path(dashboard.training))).page
    fail(dashboard.suite.store, dashboard.training, "the disk is full: free 2 GB", "ResourceExhausted", "OSError 28")
    await dashboard.suite.store.announce()
    await expect(page.locator("#job-head")).to_contain_text("the disk is full: free 2 GB")


async def test_an_event_that_cannot_be_read_hides_no_other(dashboard: Dashboard, open_page: Opener) -> None:
    store = dashboard.suite.store
    store.put(dashboard.training, figure=job_pb2.Figure(name="broken", vega_lite_json="{not json"))
    store.put(dashboard.training, log=job_pb2.LogLine(severity=2, text="after the broken figure"))
    page = (await open_page(_path(dashboard.training))).page
    await expect(page.locator("#log")).to_contain_text("after the broken figure")
