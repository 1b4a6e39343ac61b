"""The dashboard on the real suite, as a person uses it: from the link with the token to figures of a served model."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import Page, expect, sync_playwright
from tests.e2e.suite import Suite
from tests.gateway.dashboard.conftest import ARGUMENTS, CHROMIUM, DEADLINE_S

import palmette

PATIENCE_MS = 90_000  # of one step: an export takes long on a busy machine
EPOCHS = 5


@pytest.fixture
def page(suite: Suite) -> Iterator[Page]:
    """A browser that came by the link with the token; at the end its console must be empty."""
    complaints: list[str] = []
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        opened = browser.new_page(base_url=f"http://127.0.0.1:{suite.port}")
        opened.set_default_timeout(PATIENCE_MS)
        opened.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        opened.goto(f"/login#token={suite.home.token.read_text().strip()}")
        opened.wait_for_url("**/")
        yield opened
        browser.close()
    expect.set_options(timeout=DEADLINE_S * 1000)  # what the gateway's own tests expect
    assert complaints == []


@pytest.mark.slow
def test_from_the_link_with_the_token_to_figures_of_a_served_model(page: Page, client: palmette.Client) -> None:
    see_health(page)
    job = start_job(page, client)
    watch_to_its_end(page)
    see_artifact_and_lineage(page, job)
    deploy(page, "by-hand")
    see_figures_after_an_inference(page, client, "by-hand")


def see_health(page: Page) -> None:
    """All parts are there and healthy."""
    expect(page.locator("#health")).to_contain_text("Everything works")
    expect(page.locator("#parts")).to_contain_text("services/pruning_growth")
    expect(page.locator("#parts")).to_contain_text("triton")


def start_job(page: Page, client: palmette.Client) -> palmette.Job:
    """Fill the generated form and start the job; the page says the same as a command meanwhile."""
    page.get_by_role("link", name="Plugins").first.click()
    page.get_by_role("link", name="dense-training").first.click()
    page.locator("#field-inputs-model").fill("zoo:resnet20?width=8")
    page.locator("#field-inputs-data").fill("digits")
    page.locator("summary", has_text="recipe").click()
    page.locator("#field-config-recipe-epochs").fill(str(EPOCHS))
    expect(page.locator("#command")).to_contain_text(f"recipe.epochs={EPOCHS}")
    page.get_by_role("button", name="Start job").click()
    page.wait_for_url(re.compile(r"/jobs/pruning_growth/\w{26}$"))
    return client.job(page.url.rpartition("/")[2])


def watch_to_its_end(page: Page) -> None:
    """Progress, curve and state change on the open page, which is never loaded again."""
    page.evaluate("window.stillTheSamePage = true")
    head = page.locator("#job-head")
    shown = epochs_shown(page)
    expect(head.locator(".badge").first).to_have_text("Succeeded")
    expect(page.locator("#job-story")).to_contain_text("Succeeded")
    expect(page.locator(".chart[data-group='accuracy'] .mark-line path").first).to_be_visible()
    assert len(shown) >= 2, "the page did not follow the job"
    assert page.evaluate("window.stillTheSamePage")


def epochs_shown(page: Page) -> list[str]:
    """Return the epochs that the job's head showed while it ran, each once."""
    shown: list[str] = page.evaluate(
        """() => new Promise((resolve) => {
            const epochs = new Set();
            const look = () => {
                const head = document.getElementById("job-head").textContent;
                const found = head.match(/epoch (\\d+)/);
                if (found) epochs.add(found[1]);
                if (/Succeeded|Failed|Cancelled/.test(head)) resolve([...epochs]);
                else requestAnimationFrame(look);
            };
            look();
        })"""
    )
    return shown


def see_artifact_and_lineage(page: Page, job: palmette.Job) -> None:
    """The model's page has the accuracy that the job measured, and a place for what is made from it."""
    accuracy = job.refresh().metrics["accuracy"]
    page.locator("#job-results .output", has_text="model").get_by_role("link").click()
    page.wait_for_url(f"**/{job.outputs['model']}")
    expect(page.locator(".tiles")).to_contain_text(f"{accuracy:.4g}")
    expect(page.locator("section", has_text="Lineage").first).to_contain_text("made from no other artifact")


def deploy(page: Page, name: str) -> None:
    """Serve the model from its page; the page of the deployment says when it serves."""
    artifact = page.url
    page.get_by_role("link", name="Deploy", exact=True).click()
    page.locator("#field-deployment_id").fill(name)
    page.get_by_role("button", name="Deploy").click()
    page.wait_for_url(f"**/deployments/{name}")
    expect(page.locator("#deployment .page-head .badge")).to_have_text("Ready")
    expect(page.locator("#deployment")).to_contain_text("on 16 inputs")
    page.goto(artifact)
    expect(page.locator("svg.lineage")).to_contain_text("export")
    page.locator("section", has_text="Served by").get_by_role("link", name=name).click()
    page.get_by_role("link", name="export job").click()
    page.locator("main").get_by_role("link", name=name, exact=True).click()
    page.wait_for_url(f"**/deployments/{name}")


def see_figures_after_an_inference(page: Page, client: palmette.Client, name: str) -> None:
    """Triton's own counters reach the open page."""
    inferences = page.locator("#deployment .tree div", has=page.locator("dt", has_text=re.compile("^inferences$")))
    before = int(inferences.locator("dd").inner_text())

    client.infer(name, np.zeros((7, 1, 8, 8), np.float32))

    expect(inferences.locator("dd")).to_have_text(str(before + 7))
    expect(page.locator("#deployment .bars")).to_be_visible()
    expect(page.locator("#deployment .tiles-figures")).to_contain_text(re.compile(r"p50\s*[\d.]+ .?s"))
