"""A running dashboard on the sample suite, and a browser in front of it.

Everything of a test module runs in one event loop: the gRPC servers, the dashboard's HTTP server and the browser's
driver. The suite is new for every test; the browser is shared.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import httpx
import pytest
import pytest_asyncio
import uvicorn
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect
from tests.gateway.dashboard.sample_suite.front import Front
from tests.gateway.dashboard.sample_suite.server import SERVICES, SampleSuite

from palmette_gateway.dashboard.app import create_app
from palmette_plugins.api.operations import call_operation

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DEADLINE_S = 15.0

expect.set_options(timeout=DEADLINE_S * 1000)


class _Server(uvicorn.Server):
    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        return contextlib.nullcontext()


@dataclass
class Dashboard:
    """A running dashboard: its address, the suite behind it, and the name of the sample job that trains."""

    url: str
    suite: SampleSuite
    training: str

    def client(self, role: str = "admin") -> httpx.AsyncClient:
        """Return an HTTP client that is signed in with a role, or with none for the empty string."""
        headers = {"origin": self.url, "accept": "text/html"}
        if role:
            headers["authorization"] = f"Bearer {role}"
        return httpx.AsyncClient(base_url=self.url, headers=headers)


@contextlib.asynccontextmanager
async def running(filled: bool = True, services: Sequence[str] = SERVICES) -> AsyncIterator[Dashboard]:
    """Start a suite and its dashboard."""
    suite = SampleSuite(services)
    await suite.start()
    training = suite.fill() if filled else ""
    listener = socket.create_server(("127.0.0.1", 0))
    app = create_app(suite.api)
    config = uvicorn.Config(Front(app), log_config=None, timeout_graceful_shutdown=10)
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield Dashboard(f"http://127.0.0.1:{listener.getsockname()[1]}", suite, training)
    finally:
        app.state.dashboard.end_streams()
        server.should_exit = True
        await serving
        await suite.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def dashboard() -> AsyncIterator[Dashboard]:
    """A dashboard with an afternoon of sample data."""
    async with running() as started:
        yield started


@pytest_asyncio.fixture(loop_scope="module")
async def empty_dashboard() -> AsyncIterator[Dashboard]:
    """A dashboard of a suite where nothing has happened yet."""
    async with running(filled=False) as started:
        yield started


@pytest.fixture(scope="session")
def torch_loaded() -> None:
    """Load what answers questions about models, which on a busy machine takes longer than a page is waited for."""
    mlp = "zoo:mlp?hidden=8,8"
    call_operation("pruning_growth", "plan-sparsity", {"model": mlp})
    comparison = {"first": mlp, "second": mlp, "data": "digits", "examples": 8}
    call_operation("guided_training", "compare-representations", comparison)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """Headless Chromium."""
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield launched
        await launched.close()


@dataclass
class Watched:
    """A page whose console, errors and requests are written down."""

    page: Page
    complaints: list[str]
    foreign: list[str]


Opener = Callable[..., Awaitable[Watched]]


@pytest_asyncio.fixture(loop_scope="module")
async def open_page(dashboard: Dashboard, browser: Browser) -> AsyncIterator[Opener]:
    """Open a page of the dashboard; at the end of the test nothing may have been complained of or asked elsewhere."""
    async with opener(dashboard, browser) as opened:
        yield opened


@contextlib.asynccontextmanager
async def opener(dashboard: Dashboard, browser: Browser) -> AsyncIterator[Opener]:
    """Yield a function that opens pages, and check at the end what they did."""
    contexts: list[BrowserContext] = []
    pages: list[Watched] = []

    async def open_(
        path: str, role: str = "admin", theme: str = "light", width: int = 1280, allow: tuple[str, ...] = ()
    ) -> Watched:
        context = await browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=theme,  # type: ignore[arg-type]
            permissions=["clipboard-read", "clipboard-write"],
        )
        contexts.append(context)
        if role:
            await context.add_cookies([{"name": "palmette_token", "value": role, "url": dashboard.url}])
        watched = Watched(await context.new_page(), [], [])
        pages.append(watched)
        _watch(watched, dashboard.url, allow)
        await watched.page.goto(dashboard.url + path)
        return watched

    yield open_
    for context in contexts:
        await context.close()
    for watched in pages:
        assert watched.complaints == []
        assert watched.foreign == []


def _watch(watched: Watched, url: str, allow: tuple[str, ...]) -> None:
    def console(message: object) -> None:
        text = f"{message.type}: {message.text}"  # type: ignore[attr-defined]
        if message.type in ("error", "warning") and not any(part in text for part in allow):  # type: ignore[attr-defined]
            watched.complaints.append(text)

    def request(sent: object) -> None:
        address: str = sent.url  # type: ignore[attr-defined]
        if not address.startswith((url, "data:", "blob:")):
            watched.foreign.append(address)

    watched.page.on("console", console)
    watched.page.on("pageerror", lambda error: watched.complaints.append(str(error)))
    watched.page.on("request", request)


async def eventually(condition: Callable[[], Awaitable[bool]], what: str, deadline_s: float = DEADLINE_S) -> None:
    """Wait until a condition holds."""
    loop = asyncio.get_running_loop()
    end = loop.time() + deadline_s
    while not await condition():
        assert loop.time() < end, f"not within {deadline_s} s: {what}"
        await asyncio.sleep(0.05)
