"""The dashboard with 10,000 jobs in the database: until the browser paints something that was asked for.

python benchmarks/dashboard_paint.py [--json FILE]

Starts a suite, lets it run a few small jobs, fills its database with copies of them, and opens pages in Debian's
Chromium through the gateway: cold with an empty cache, warm as somebody comes back to a page.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright
from service_under_test import Figure, at_most, report
from start_up import free_port, palmette_command
from stored_jobs import multiply

import palmette
from palmette.errors import JobFailed

JOBS = 10_000
VISITS = 7
BAR_MS = 1000.0
PAGES = {"jobs": "/jobs", "overview": "/"}
PAINT = "() => performance.getEntriesByName('first-contentful-paint').map((entry) => entry.startTime)"


def main() -> None:
    """Fill, then visit."""
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("chromium is missing: install the Debian package chromium")
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="palmette-benchmark-") as folder:
        home = Path(folder)
        with suite(home):
            run_some_jobs(home)
        database = home / "databases" / "pruning_growth.sqlite3"
        multiply(database, JOBS)
        with suite(home) as url, sync_playwright() as playwright:
            token = (home / "auth" / "token").read_text().strip()
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
            for name, path in PAGES.items():
                first = visit_cold(browser, url + path, token)  # the gateway reads its templates for it
                figures.append(Figure(f"{name}, first visit since the start", first, "ms"))
                cold = [visit_cold(browser, url + path, token) for _ in range(VISITS)]
                figures.append(at_most(f"{name}, cold, median of {VISITS}", statistics.median(cold), "ms", BAR_MS))
                figures.append(Figure(f"{name}, cold, slowest", max(cold), "ms"))
                warm = visit_warm(browser, url + path, token)
                figures.append(at_most(f"{name}, warm, median of {VISITS}", statistics.median(warm), "ms", BAR_MS))
            browser.close()
        with sqlite3.connect(database) as connection:
            (stored,) = connection.execute("SELECT count(*) FROM jobs").fetchone()
    report(f"Dashboard, first contentful paint with {stored:,} jobs", figures)


@contextlib.contextmanager
def suite(home: Path) -> Iterator[str]:
    """Run a suite and yield its address."""
    port = free_port()
    palmette_command(str(home), "up", "--detach", "--port", str(port))
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        palmette_command(str(home), "down")


def run_some_jobs(home: Path) -> None:
    """Let jobs of several methods end, one of them badly, so that rows have figures, labels, outputs and errors."""
    brief = {"epochs": 1, "max_steps": 20}
    with palmette.Client(home=home) as client:
        dense = client.submit("dense-training", model="zoo:mlp", data="digits", recipe=brief, labels={"team": "vision"})
        client.wait([dense], timeout_s=300)
        pruned = client.submit("random-pruning", model=dense.outputs["model"], data="digits", recipe=brief)
        diverges = {"lr": 10, "momentum": 0.99, "epochs": 30}
        diverging = client.submit("dense-training", model="zoo:mlp", data="digits", seed=0, recipe=diverges)
        with contextlib.suppress(JobFailed):
            client.wait([pruned, diverging], timeout_s=300)
        assert (pruned.state, diverging.state) == ("SUCCEEDED", "FAILED")


def visit_cold(browser: Browser, address: str, token: str) -> float:
    """Return the paint of a page in a browser profile that has seen nothing yet."""
    with signed_in(browser, address, token) as page:
        return paint(page, address)


def visit_warm(browser: Browser, address: str, token: str) -> list[float]:
    """Return the paints of one page that is visited again and again."""
    with signed_in(browser, address, token) as page:
        paint(page, address)
        return [paint(page, address) for _ in range(VISITS)]


@contextlib.contextmanager
def signed_in(browser: Browser, address: str, token: str) -> Iterator[Page]:
    """Open an empty profile that has the token's cookie."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.add_cookies([{"name": "palmette_token", "value": token, "url": address}])
    yield context.new_page()
    context.close()


def paint(page: Page, address: str) -> float:
    """Open a page; return milliseconds from the navigation to its first contentful paint."""
    page.goto(address)
    page.wait_for_function(f"({PAINT})().length === 1")
    assert page.locator("main").get_by_text("dense-training").count() > 0, "the page shows no job"
    (painted_ms,) = page.evaluate(PAINT)
    return float(painted_ms)


if __name__ == "__main__":
    main()
