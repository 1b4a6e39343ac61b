"""Artifacts, comparisons, deployments and tokens in a browser."""

from __future__ import annotations

import pytest
from playwright.async_api import expect
from tests.gateway.dashboard.conftest import Dashboard, Opener

from palmette_protos.serving.v1 import deployment_pb2

pytestmark = pytest.mark.asyncio(loop_scope="module")


def _made_by(dashboard: Dashboard, plugin: str) -> str:
    artifacts = dashboard.suite.artifacts.artifacts.values()
    return next(item.name for item in artifacts if item.plugin.endswith(plugin) and item.kind == "model")


async def test_artifacts_are_filtered_by_kind(open_page: Opener) -> None:
    page = (await open_page("/artifacts")).page
    rows = page.locator("#artifact-list tbody tr")
    await expect(rows).to_have_count(5)
    await page.get_by_label("Kind").select_option("table")
    await expect(rows).to_have_count(1)
    assert "kind=table" in page.url


async def test_an_artifact_tells_how_it_was_made(dashboard: Dashboard, open_page: Opener) -> None:
    page = (await open_page("/" + _made_by(dashboard, "random-pruning"))).page
    history = page.locator(".history > li")
    await expect(history.first).to_contain_text("zoo:resnet20")
    await expect(history.nth(1)).to_contain_text("Mask")
    await expect(history.nth(1)).to_contain_text("density 0.1")
    await expect(page.locator(".tiles")).to_contain_text("28,666")
    await expect(page.locator("main")).to_contain_text("palmette artifacts download")


async def test_the_lineage_shows_both_parents_and_leads_to_them(dashboard: Dashboard, open_page: Opener) -> None:
    page = (await open_page("/" + _made_by(dashboard, "model-averaging"))).page
    graph = page.locator(".lineage")
    await expect(graph.locator(".lineage-node")).to_have_count(4)
    await expect(graph.locator(".lineage-edge")).to_have_count(4)
    await expect(graph.locator("[aria-current]")).to_contain_text("model-averaging")
    await graph.locator("a", has_text="layer-lottery").click()
    await expect(page.locator("h1")).to_contain_text("layer-lottery")
    assert page.url.endswith(_made_by(dashboard, "layer-lottery"))


async def test_an_artifact_leads_into_the_next_job(dashboard: Dashboard, open_page: Opener) -> None:
    name = _made_by(dashboard, "dense-training")
    page = (await open_page("/" + name)).page
    await page.locator("summary", has_text="Use in a job").click()
    await page.locator(".menu-list a", has_text="random-pruning").click()
    await expect(page.get_by_label("model").first).to_have_value(f"artifact:{name.removeprefix('artifacts/')}")


async def test_an_artifact_that_others_need_is_not_deleted(dashboard: Dashboard, open_page: Opener) -> None:
    name = _made_by(dashboard, "dense-training")
    page = (await open_page("/" + name, allow=("409",))).page
    await page.get_by_role("button", name="Delete").click()
    await page.locator("#confirm").get_by_role("button", name="Go ahead").click()
    await expect(page.locator("#toasts")).to_contain_text("other artifacts were made from it")
    assert name in dashboard.suite.artifacts.artifacts


async def test_a_file_of_an_artifact_downloads_byte_for_byte(dashboard: Dashboard) -> None:
    name = _made_by(dashboard, "dense-training")
    async with dashboard.client("viewer") as client:
        response = await client.get(f"/{name}/files/samples.safetensors")
        missing = await client.get(f"/{name}/files/..%2f..%2fetc/passwd")
    assert response.content == dashboard.suite.artifacts.content("samples.safetensors")
    assert "attachment" in response.headers["content-disposition"]
    assert missing.status_code == 404


async def test_chosen_artifacts_are_compared_and_the_best_marked(dashboard: Dashboard, open_page: Opener) -> None:
    page = (await open_page("/artifacts?kind=model")).page
    for box in await page.get_by_role("checkbox").all():
        await box.check()
    await page.get_by_role("button", name="Compare chosen").click()
    await expect(page.locator("h1")).to_have_text("Compare 4 artifacts")
    accuracy = page.locator("tr", has=page.get_by_role("rowheader", name="test/accuracy"))
    await expect(accuracy.locator("td", has_text="best")).to_contain_text("0.9263")
    nonzeros = page.locator("tr", has=page.get_by_role("rowheader", name="nonzeros"))
    await expect(nonzeros.locator("td", has_text="best")).to_contain_text("28,666")


async def test_a_deployment_shows_live_figures_versions_and_how_to_ask(dashboard: Dashboard, open_page: Opener) -> None:
    page = (await open_page("/deployments/clothes")).page
    await expect(page.locator("#deployment")).to_contain_text("184/s")
    await expect(page.locator("#deployment")).to_contain_text("4.87 ms")
    await expect(page.locator("#deployment")).to_contain_text("on 16 inputs")
    await expect(page.locator(".bars rect")).to_have_count(4)
    await expect(page.locator("#deployment")).to_contain_text('client.infer("clothes", inputs, headers=headers)')
    dashboard.suite.deployments.stats["deployments/clothes"].p99_ms = 31.4
    await expect(page.locator("#deployment")).to_contain_text("31.4 ms")


async def test_the_snippet_for_tritonclient_is_a_program(dashboard: Dashboard, open_page: Opener) -> None:
    page = (await open_page("/deployments/clothes")).page
    snippet = await page.locator("[aria-label='Python code for tritonclient']").inner_text()
    compile(snippet, "snippet", "exec")
    assert "np.zeros((1, 1, 28, 28), dtype=np.float32)" in snippet
    assert dashboard.url.removeprefix("http://") in snippet


async def test_rolling_back_serves_the_older_version(dashboard: Dashboard, open_page: Opener) -> None:
    page = (await open_page("/deployments/clothes", role="operator")).page
    await page.get_by_role("button", name="Roll back").click()
    await page.locator("#confirm").get_by_role("button", name="Go ahead").click()
    await expect(page.locator("#deployment .page-head")).to_contain_text("version 1 serves")
    assert dashboard.suite.deployments.deployments["deployments/clothes"].serving_version == 1


async def test_a_version_that_failed_says_why(open_page: Opener) -> None:
    page = (await open_page("/deployments/ensemble")).page
    await expect(page.locator("#deployment .notice")).to_contain_text("outputs differ from PyTorch by 0.013")
    await expect(page.locator("#deployment .notice")).to_contain_text("Nothing serves under this name yet")


async def test_a_model_is_deployed_from_its_page(dashboard: Dashboard, open_page: Opener) -> None:
    name = _made_by(dashboard, "layer-lottery")
    page = (await open_page("/" + name, role="operator", allow=("422",))).page
    await page.get_by_role("link", name="Deploy", exact=True).click()
    await page.get_by_role("button", name="Deploy").click()
    await expect(page.locator("#field-deployment_id-problem")).to_contain_text("required")
    await page.get_by_label("Name").fill("shallow")
    await page.get_by_label("runtime").select_option("torch")
    await page.get_by_role("button", name="Deploy").click()
    await page.wait_for_url("**/deployments/shallow")
    await expect(page.locator("#deployment")).to_contain_text("exported and compared with PyTorch")
    stored = dashboard.suite.deployments.deployments["deployments/shallow"]
    assert (stored.versions[0].artifact, stored.versions[0].runtime) == (name, deployment_pb2.RUNTIME_TORCH)


async def test_a_token_is_issued_and_shown_once(open_page: Opener) -> None:
    page = (await open_page("/tokens")).page
    await page.get_by_label("For whom").fill("ci")
    await page.get_by_label("Role").select_option("operator")
    await page.get_by_role("button", name="Issue token").click()
    await expect(page.locator("#issued-title")).to_have_text("A token for ci")
    await expect(page.locator("[aria-label='token']")).to_have_text("operator")
    await page.goto(page.url)
    await expect(page.locator("#issued-title")).to_have_count(0)
