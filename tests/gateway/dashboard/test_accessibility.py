"""Contrast, names, keyboard and narrow screens, on every page and in both themes."""

from __future__ import annotations

import pytest
from axe_playwright_python.base import AXE_FILE_PATH
from playwright.async_api import Page, expect
from tests.gateway.dashboard.conftest import Dashboard, Opener

from palmette_protos.v1 import job_pb2, suite_pb2

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGES = {
    "overview": "/",
    "jobs": "/jobs",
    "running job": "/jobs/{training}",
    "failed job": "/jobs/{failed}",
    "plugins": "/plugins",
    "plugin": "/plugins/pruning_growth/random-pruning",
    "variants": "/plugins/nas/evolutionary-search",
    "models": "/models",
    "layers of a model": "/models/inspect?model=zoo:resnet8%3Fwidth=4",
    "planned sparsity": "/models/plan?model=zoo:resnet8%3Fwidth=4",
    "compared models": "/models/compare?first={mlp}&second={mlp}&data=digits&examples=32",
    "question with problems": "/models/plan?model=zoo:resnet9&config.density=none",
    "artifacts": "/artifacts",
    "artifact": "/artifacts/{artifact}",
    "artifact of several": "/artifacts/{average}",
    "compare": "/compare/artifacts?id={artifact}&id={other}",
    "compare jobs": "/compare/jobs?job={running_name}&job={failed_name}",
    "deployments": "/deployments",
    "deployment": "/deployments/clothes",
    "new deployment": "/deployments/new",
    "tokens": "/tokens",
    "login": "/login",
    "nowhere": "/nowhere",
}


_FOCUSED = """(() => {
    const it = document.activeElement, style = getComputedStyle(it);
    return [it.textContent.trim().slice(0, 40), style.outlineStyle !== "none" && style.outlineWidth !== "0px"];
})()"""


def _path(dashboard: Dashboard, page: str) -> str:
    def job(name: str) -> str:
        return name.split("/")[1] + "/" + name.split("/")[3]

    jobs = dashboard.suite.store.jobs.values()
    failed = next(item.name for item in jobs if item.state == job_pb2.JOB_STATE_FAILED)
    average = next(item for item in dashboard.suite.artifacts.artifacts.values() if "averaging" in item.plugin)
    artifact, other, *_ = (name.removeprefix("artifacts/") for name in dashboard.suite.artifacts.artifacts)
    return PAGES[page].format(
        mlp="zoo:mlp%3Fhidden=16,16",
        training=job(dashboard.training),
        failed=job(failed),
        artifact=artifact,
        other=other,
        average=average.name.removeprefix("artifacts/"),
        running_name=dashboard.training,
        failed_name=failed,
    )


async def _violations(page: Page) -> list[str]:
    await page.evaluate(AXE_FILE_PATH.read_text())
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = await page.evaluate("(tags) => axe.run({runOnly: tags})", tags)
    return [
        f"{violation['id']}: {node['html'][:160]} {node['failureSummary'][:300]}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]


@pytest.mark.usefixtures("torch_loaded")
@pytest.mark.parametrize("page", PAGES)
async def test_axe_finds_nothing_in_either_theme_and_narrow_screens_need_no_scrolling_sideways(
    dashboard: Dashboard, open_page: Opener, page: str
) -> None:
    kind, state = suite_pb2.COMPONENT_KIND_SERVICE, suite_pb2.HEALTH_STATE_DEGRADED
    await dashboard.suite.health.set("services/nas", kind, state, "it drains")
    watched = await open_page(_path(dashboard, page), allow=("404", "422"))
    if page in ("running job", "planned sparsity", "compared models"):
        await expect(watched.page.locator(".chart svg").first).to_be_visible()
    assert await _violations(watched.page) == []
    await watched.page.emulate_media(color_scheme="dark")
    assert await _violations(watched.page) == []
    await watched.page.set_viewport_size({"width": 360, "height": 780})
    assert await watched.page.evaluate("document.documentElement.scrollWidth") <= 360


async def test_the_keyboard_reaches_everything_in_order_and_shows_where_it_is(
    dashboard: Dashboard, open_page: Opener
) -> None:
    page = (await open_page("/")).page
    await page.keyboard.press("Tab")
    await expect(page.locator(".skip")).to_be_focused()
    await expect(page.locator(".skip")).to_be_in_viewport()
    await page.keyboard.press("Enter")
    await expect(page.locator("main")).to_be_focused()
    await page.reload()
    reached: list[str] = []
    for _ in range(60):
        await page.keyboard.press("Tab")
        seen = await page.evaluate(_FOCUSED)
        assert seen[1], f"no visible focus on {seen[0]!r}"
        reached.append(seen[0])
        if seen[0] == "Sign out":
            break
    for text in ("Overview", "Jobs", "All healthy", "random-pruning", "All deployments", "Tokens", "Sign out"):
        assert any(text in words for words in reached), text


async def test_the_confirmation_is_a_dialog_that_escape_closes(dashboard: Dashboard, open_page: Opener) -> None:
    page = (await open_page(_path(dashboard, "running job"))).page
    button = page.get_by_role("button", name="Cancel")
    await button.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_be_hidden()
    await expect(button).to_be_focused()
    assert dashboard.suite.store.jobs[dashboard.training].state == job_pb2.JOB_STATE_RUNNING


async def test_the_theme_is_chosen_and_kept(dashboard: Dashboard, open_page: Opener) -> None:
    page = (await open_page(_path(dashboard, "running job"))).page
    await expect(page.locator(".chart svg").first).to_be_visible()
    toggle = page.locator("[data-theme-toggle]")
    light = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    await toggle.click()
    await toggle.click()
    await expect(toggle).to_have_attribute("aria-label", "Colours: dark")
    assert await page.evaluate("getComputedStyle(document.body).backgroundColor") != light
    await page.reload()
    await expect(toggle).to_have_attribute("aria-label", "Colours: dark")
    assert await page.evaluate("getComputedStyle(document.body).backgroundColor") != light


async def test_the_head_of_the_page_fits_a_narrow_screen_at_its_fullest(
    dashboard: Dashboard, open_page: Opener
) -> None:
    kind, state = suite_pb2.COMPONENT_KIND_SERVICE, suite_pb2.HEALTH_STATE_UNHEALTHY
    await dashboard.suite.health.set("services/nas", kind, state, "it does not answer")
    page = (await open_page("/tokens", width=360)).page
    await expect(page.locator("#health-pill")).to_contain_text("Unhealthy")
    await page.evaluate("document.getElementById('connection').hidden = false")
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360
