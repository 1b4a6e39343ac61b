"""The catalogue and the forms that start jobs, in a browser."""

from __future__ import annotations

import asyncio

import pytest
from google.protobuf.json_format import MessageToDict
from playwright.async_api import Route, expect
from tests.gateway.dashboard.conftest import Dashboard, Opener

from palmette_protos.v1 import job_pb2

pytestmark = pytest.mark.asyncio(loop_scope="module")
_PRUNING = "/plugins/pruning_growth/random-pruning"


def _newest(dashboard: Dashboard) -> job_pb2.Job:
    return max(dashboard.suite.store.jobs.values(), key=lambda job: job.create_time.ToNanoseconds())


async def test_the_catalogue_shows_ready_and_broken_methods_and_filters_them(open_page: Opener) -> None:
    page = (await open_page("/plugins")).page
    await expect(page.locator("[data-item]")).to_have_count(5)
    broken = page.locator("[data-item]", has_text="zero-cost")
    await expect(broken).to_contain_text("ModuleNotFoundError: No module named 'naslib'")
    await expect(broken).to_contain_text("restart the service")
    await page.get_by_label("Filter the plugins").fill("liu prune")
    await expect(page.locator("[data-item]:visible")).to_have_count(1)
    await page.get_by_label("Filter the plugins").fill("no such method")
    await expect(page.locator("#filter-none")).to_be_visible()


async def test_a_description_with_markup_is_rendered_safely(open_page: Opener) -> None:
    page = (await open_page(_PRUNING)).page
    about = page.locator(".prose")
    await expect(about.locator("strong", has_text="dense")).to_be_visible()
    await expect(about).to_contain_text("<script>alert('description')</script>")


async def test_a_filled_form_starts_a_job_with_only_what_differs(dashboard: Dashboard, open_page: Opener) -> None:
    page = (await open_page(_PRUNING, role="operator")).page
    await page.get_by_label("model").first.fill("zoo:resnet20")
    await page.get_by_label("data").first.fill("fashion-mnist")
    await page.get_by_label("density").fill("0.05")
    await page.get_by_label("ratio", exact=True).select_option("er")
    await page.locator("summary", has_text="recipe").click()
    await page.get_by_label("epochs").fill("3")
    await page.get_by_label("milestones").fill("1, 2")
    await page.get_by_label("augment").select_option("false")
    await page.locator("summary", has_text="Run").click()
    await page.get_by_label("labels").fill("team=vision, run=3")
    await page.get_by_label("seed").fill("11")
    await expect(page.locator("#command")).to_contain_text("--set recipe.epochs=3")
    await page.get_by_role("button", name="Start job").click()
    await page.wait_for_url("**/jobs/pruning_growth/*")
    job = _newest(dashboard)
    assert MessageToDict(job.config) == {
        "density": 0.05,
        "ratio": "er",
        "recipe": {"epochs": 3, "milestones": [1, 2], "augment": False},
    }
    assert (dict(job.labels), job.seed, job.user) == ({"team": "vision", "run": "3"}, 11, "operator@example.org")
    assert list(job.inputs["model"].references) == ["zoo:resnet20"]


async def test_every_problem_is_shown_at_its_field(dashboard: Dashboard, open_page: Opener) -> None:
    page = (await open_page(_PRUNING, allow=("422",))).page
    await page.get_by_label("data").first.fill("nonsense")
    await page.get_by_label("density").fill("1.5")
    await page.locator("summary", has_text="recipe").click()
    await page.get_by_label("epochs").fill("many")
    await page.get_by_label("lr", exact=False).first.fill("-1")
    before = len(dashboard.suite.store.jobs)
    await page.get_by_role("button", name="Start job").click()
    await expect(page.locator("#problems")).to_contain_text("5 fields need another value")
    await expect(page.locator("#problems")).to_be_focused()
    for field, text in {
        "inputs-model": "required",
        "inputs-data": "'nonsense' is not a reference",
        "config-density": "less than or equal to 1",
        "config-recipe-epochs": "'many' is not a whole number",
        "config-recipe-lr": "greater than 0",
    }.items():
        await expect(page.locator(f"#field-{field}-problem")).to_contain_text(text)
        await expect(page.locator(f"#field-{field}")).to_have_attribute("aria-invalid", "true")
    await expect(page.get_by_label("density")).to_have_value("1.5")
    assert len(dashboard.suite.store.jobs) == before


async def test_checking_a_form_starts_nothing(dashboard: Dashboard, open_page: Opener) -> None:
    page = (await open_page(f"{_PRUNING}?inputs.model=zoo:resnet20&inputs.data=digits")).page
    before = len(dashboard.suite.store.jobs)
    await page.get_by_role("button", name="Check only").click()
    await expect(page.locator("#problems")).to_contain_text("Nothing is wrong with it")
    await expect(page.get_by_label("model").first).to_have_value("zoo:resnet20")
    assert len(dashboard.suite.store.jobs) == before


async def test_sending_the_same_form_twice_starts_one_job(dashboard: Dashboard) -> None:
    form = {"inputs.model": "zoo:mlp", "inputs.data": "digits", "nonce": "n1"}
    async with dashboard.client("operator") as client:
        first = await client.post(_PRUNING, data=form)
        again = await client.post(_PRUNING, data=form)
        changed = await client.post(_PRUNING, data={**form, "config.density": "0.3"})
    assert first.headers["location"] == again.headers["location"]
    assert changed.headers["location"] != first.headers["location"]


async def test_changing_and_running_starts_from_what_the_job_had(dashboard: Dashboard, open_page: Opener) -> None:
    page = (await open_page(f"{_PRUNING}?from={dashboard.training}")).page
    await expect(page.get_by_label("model").first).to_have_value("zoo:resnet20")
    await expect(page.get_by_label("milestones")).to_have_value("10, 15")
    await expect(page.get_by_label("labels")).to_have_value("note=\"><script>alert('label')</script>, team=vision")


async def test_variants_show_the_settings_of_the_chosen_one(dashboard: Dashboard, open_page: Opener) -> None:
    page = (await open_page("/plugins/nas/evolutionary-search")).page
    await page.get_by_label("model").first.fill("zoo:ofa")
    await page.get_by_label("data").first.fill("digits")
    await page.get_by_label("target_ms").fill("2.5")
    await page.get_by_label("evolution").check()
    await expect(page.get_by_label("points")).to_be_hidden()
    await page.get_by_label("population").fill("8")
    await page.get_by_label("widths").fill('{"stage1": 16}')
    await page.get_by_role("button", name="Start job").click()
    await page.wait_for_url("**/jobs/nas/*")
    assert MessageToDict(_newest(dashboard).config) == {
        "target_ms": 2.5,
        "strategy": {"kind": "evolution", "population": 8},
        "widths": {"stage1": 16},
    }


async def test_a_list_input_takes_a_reference_a_line(dashboard: Dashboard, open_page: Opener) -> None:
    page = (await open_page("/plugins/pruning_growth/model-averaging")).page
    await page.get_by_label("models").fill("zoo:mlp\nzoo:resnet20\n")
    await page.get_by_role("button", name="Start job").click()
    await page.wait_for_url("**/jobs/pruning_growth/*")
    assert list(_newest(dashboard).inputs["models"].references) == ["zoo:mlp", "zoo:resnet20"]


async def test_a_viewer_reads_the_form_but_cannot_send_it(open_page: Opener) -> None:
    page = (await open_page(_PRUNING, role="viewer")).page
    await expect(page.get_by_role("button", name="Start job")).to_be_disabled()
    await expect(page.locator(".form-foot")).to_contain_text("starting jobs needs the role operator")


async def test_an_unknown_plugin_names_the_nearest(open_page: Opener) -> None:
    page = (await open_page("/plugins/pruning_growth/random-prunning", allow=("404",))).page
    await expect(page.locator("main")).to_contain_text("did you mean random-pruning?")


async def test_what_was_typed_before_the_scripts_came_is_in_the_command(open_page: Opener) -> None:
    page = (await open_page("/plugins")).page
    scripts = asyncio.Event()

    async def hold(route: Route) -> None:
        await scripts.wait()
        await route.continue_()

    await page.context.route("**/vendor/htmx/**", hold)
    other = await page.context.new_page()
    await other.goto(page.url.removesuffix("/plugins") + _PRUNING, wait_until="commit")
    await other.locator("#field-config-density").fill("0.25")
    scripts.set()
    await expect(other.locator("#command")).to_contain_text("--set density=0.25")
