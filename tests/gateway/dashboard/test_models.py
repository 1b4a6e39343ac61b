"""Questions about models in a browser, answered by the services' own operations."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.async_api import Browser, Page, expect
from tests.gateway.dashboard.conftest import DEADLINE_S, Dashboard, Opener, opener, running

from palmette_protos.v1 import suite_pb2

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("torch_loaded")]

MLP = "zoo:mlp?hidden=16,16"
WIDER = "zoo:mlp?hidden=24,24,24"


def _query(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query, keep_blank_values=True)


async def _column(page: Page, title: str, index: int) -> list[str]:
    table = page.get_by_role("region", name=title).locator("tbody tr")
    return [await row.locator("th, td").nth(index).inner_text() for row in await table.all()]


async def test_a_model_is_inspected_by_keyboard_and_its_layers_add_up_to_the_totals(open_page: Opener) -> None:
    page = (await open_page("/models", role="viewer")).page
    await expect(page.locator("nav [aria-current]").first).to_have_text("Models")
    await page.get_by_label("model").fill("zoo:resnet8?width=4")
    await page.keyboard.press("Enter")
    await expect(page.locator("#answer-title")).to_be_focused()
    assert _query(page) == {"model": ["zoo:resnet8?width=4"]}
    assert "fc" in await _column(page, "Layers", 0)
    parameters = [int(text.replace(",", "")) for text in await _column(page, "Layers", 4)]
    await expect(page.locator(".tile", has_text="parameters").locator("dd")).to_have_text(f"{sum(parameters):,}")
    await expect(page.locator("[aria-label='command']")).to_have_text("palmette models inspect 'zoo:resnet8?width=4'")


async def test_the_address_of_a_plan_gives_the_same_answer_to_someone_else(
    dashboard: Dashboard, open_page: Opener
) -> None:
    page = (await open_page("/models/plan")).page
    await page.get_by_label("model").fill(MLP)
    await page.get_by_label("density").fill("0.25")
    await page.get_by_label("ratio").select_option("uniform")
    await page.get_by_role("button", name="Plan sparsity").click()
    await expect(page.locator("#answer-title")).to_be_visible()
    densities = await _column(page, "Layers", 1)
    assert all(abs(float(text) - 0.25) < 0.01 for text in densities)
    await expect(page.locator(".mark-rect.role-mark path")).to_have_count(len(densities))
    await expect(page.locator("[aria-label='command']")).to_contain_text("--density 0.25 --ratio uniform")
    other = (await open_page(page.url.removeprefix(dashboard.url), role="viewer")).page
    await expect(other.locator("#field-config-density")).to_have_value("0.25")
    assert await _column(other, "Layers", 1) == densities


async def test_two_models_are_compared_as_a_map_and_each_layer_with_its_nearest(open_page: Opener) -> None:
    page = (await open_page("/models/compare")).page
    await page.get_by_label("first").fill(MLP)
    await page.get_by_label("second").fill(WIDER)
    await page.get_by_label("data").fill("digits")
    await page.get_by_label("examples").fill("64")
    await page.get_by_role("button", name="Compare representations").click()
    await expect(page.locator(".mark-rect.role-mark path").first).to_be_visible()
    own, other = await _column(page, f"Layers of {MLP}", 0), await _column(page, f"Layers of {WIDER}", 0)
    assert (len(own), len(other)) == (2, 3)
    await expect(page.locator(".mark-rect.role-mark path")).to_have_count(len(own) * len(other))
    assert set(await _column(page, f"Layers of {MLP}", 1)) <= set(other)
    assert all(0 < float(text) <= 1 for text in await _column(page, f"Layers of {WIDER}", 2))
    await expect(page.locator(".tile", has_text="examples").locator("dd")).to_have_text("64")
    await expect(page.locator(".chart svg")).to_contain_text(WIDER)


async def test_a_model_compared_with_itself_names_the_nearest_other_layer(open_page: Opener) -> None:
    page = (await open_page(f"/models/compare?first={WIDER}&second={WIDER}&data=digits&examples=32")).page
    layers, nearest = await _column(page, "Layers of", 0), await _column(page, "Layers of", 1)
    assert len(layers) == 3
    assert all(layer != other for layer, other in zip(layers, nearest, strict=True))


async def test_the_service_is_asked_as_the_caller(dashboard: Dashboard) -> None:
    for role in ("viewer", "admin"):
        async with dashboard.client(role) as client:
            assert (await client.get("/models/inspect", params={"model": MLP})).status_code == 200
    assert dashboard.suite.roles == ["viewer", "admin"]


@pytest.mark.parametrize(
    ("address", "field", "text"),
    [
        ("/models/inspect?model=zoo:resnet9", "model", "resnet8"),
        ("/models/inspect?model=+", "model", "required"),
        ("/models/plan?model=zoo:resnet8&config.density=2", "config-density", "less than or equal to 1"),
        ("/models/plan?model=zoo:resnet8&config.density=half", "config-density", "'half' is not a number"),
        ("/models/plan?model=zoo:resnet8&data=digitz", "data", "digits"),
        (f"/models/plan?model=zoo:resnet8&seed={2**63}", "seed", "must lie between"),
        (f"/models/compare?first={MLP}&second=&data=digits", "second", "required"),
        (f"/models/compare?first={MLP}&second={MLP}&data=digits&examples=1", "examples", "from 2 to 2048"),
        (f"/models/compare?first={MLP}&second={MLP}&data=digits&examples={2**40}", "examples", "must lie between"),
        (f"/models/compare?first={MLP}&second=zoo:resnet9&data=digits", "second", "resnet8"),
    ],
)
async def test_what_is_wrong_is_said_at_its_field(open_page: Opener, address: str, field: str, text: str) -> None:
    page = (await open_page(address, allow=("422",))).page
    await expect(page.locator(f"#field-{field}-problem")).to_contain_text(text)
    await expect(page.locator(f"#field-{field}")).to_have_attribute("aria-invalid", "true")
    await expect(page.get_by_role("alert")).to_contain_text("1 field needs another value")
    await expect(page.locator("#answer-title")).to_have_count(0)


async def test_a_form_says_that_its_service_is_down_and_answers_when_it_is_back(
    dashboard: Dashboard, open_page: Opener
) -> None:
    kind, state = suite_pb2.COMPONENT_KIND_SERVICE, suite_pb2.HEALTH_STATE_UNHEALTHY
    await dashboard.suite.stop_server("pruning_growth")
    page = (await open_page(f"/models/inspect?model={MLP}", allow=("503",))).page
    await expect(page.get_by_role("alert")).to_contain_text("There is no answer")
    await expect(page.get_by_role("alert")).to_contain_text("pruning_growth")
    await dashboard.suite.health.set("services/pruning_growth", kind, state, "its process ended")
    await expect(page.locator("#banner")).to_contain_text("its process ended")
    await page.get_by_role("link", name="Plan sparsity").click()
    await expect(page.get_by_role("alert")).to_contain_text("pruning_growth is unhealthy: its process ended")
    await page.goto(dashboard.url + "/models/plan")
    await expect(page.locator(".question .notice")).to_contain_text("pruning_growth does not answer now")
    await dashboard.suite.start_server("pruning_growth")
    async with dashboard.client() as client, asyncio.timeout(DEADLINE_S):
        while (await client.get("/models/inspect", params={"model": MLP})).status_code != 200:
            pass  # the channel waits a little before it tries again
    await page.get_by_label("model").fill(MLP)
    await page.get_by_role("button", name="Plan sparsity").click()
    await expect(page.locator("#answer-title")).to_be_visible()


async def test_a_question_whose_service_the_suite_lacks_says_so_and_the_others_answer(browser: Browser) -> None:
    async with running(services=("pruning_growth", "serving")) as lacking, opener(lacking, browser) as open_page:
        page = (await open_page(f"/models/compare?first={MLP}&second={MLP}&data=digits")).page
        await expect(page.locator(".question .notice")).to_contain_text("guided_training is not part of this suite")
        await expect(page.locator("form[data-question]")).to_have_count(0)
        await page.get_by_role("link", name="Inspect").click()
        await expect(page.locator("#answer-title")).to_be_visible()
        model = next(item for item in lacking.suite.artifacts.artifacts.values() if item.kind == "model")
        await page.goto(f"{lacking.url}/{model.name}")
        await expect(page.get_by_role("link", name="Inspect")).to_be_visible()
        await expect(page.get_by_role("link", name="Compare with")).to_have_count(0)


async def test_a_models_page_leads_to_its_questions_and_they_carry_it_on(
    dashboard: Dashboard, open_page: Opener
) -> None:
    model = next(item for item in dashboard.suite.artifacts.artifacts.values() if item.kind == "model")
    table = next(item for item in dashboard.suite.artifacts.artifacts.values() if item.kind == "table")
    reference = "artifact:" + model.name.removeprefix("artifacts/")
    page = (await open_page("/" + model.name, allow=("404", "422"))).page
    await page.get_by_role("link", name="Compare with").click()
    await expect(page.get_by_label("first")).to_have_value(reference)
    await expect(page.get_by_label("second")).to_be_focused()
    await expect(page.locator(".field-problem")).to_have_count(0)
    await page.get_by_role("navigation", name="Questions").get_by_role("link", name="Inspect").click()
    await expect(page.get_by_label("model")).to_have_value(reference)
    await page.goto(f"{dashboard.url}/{table.name}")
    await expect(page.locator("h1")).to_be_visible()
    await expect(page.get_by_role("link", name="Inspect")).to_have_count(0)


async def test_models_that_are_there_and_data_of_other_jobs_are_offered(
    dashboard: Dashboard, open_page: Opener
) -> None:
    model = next(item for item in dashboard.suite.artifacts.artifacts.values() if item.kind == "model")
    page = (await open_page("/models/compare")).page
    offered = page.locator("#field-second-list option")
    values = [await option.get_attribute("value") for option in await offered.all()]
    assert "artifact:" + model.name.removeprefix("artifacts/") in values
    data = page.locator("#field-data-list option")
    assert "fashion-mnist" in [await option.get_attribute("value") for option in await data.all()]


async def test_a_question_that_takes_long_says_so_and_cannot_be_asked_twice(open_page: Opener) -> None:
    page = (await open_page("/models/inspect")).page
    await expect(page.locator("[data-working]")).to_be_hidden()
    await page.get_by_label("model").fill(MLP)
    button = page.get_by_role("button", name="Inspect")
    seen = await page.evaluate(
        """() => {
            const form = document.querySelector("[data-question]");
            form.addEventListener("submit", (event) => event.preventDefault());
            form.requestSubmit();
            return document.querySelector("[data-working]").hidden;
        }"""
    )
    assert seen is False
    await expect(button).to_be_disabled()


async def test_an_unknown_question_is_a_page_that_says_so(dashboard: Dashboard) -> None:
    async with dashboard.client() as client:
        response = await client.get("/models/divine")
    assert response.status_code == 404
    assert "/models/divine" in response.text
