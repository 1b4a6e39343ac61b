"""The dashboard as an ASGI application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Mount

from palmette.errors import PalmetteError
from palmette_gateway.dashboard import errors
from palmette_gateway.dashboard.access import login
from palmette_gateway.dashboard.access.content_security import ContentSecurity
from palmette_gateway.dashboard.access.session import Session
from palmette_gateway.dashboard.context import Dashboard
from palmette_gateway.dashboard.live.sampler import Sampler
from palmette_gateway.dashboard.pages import (
    artifact,
    artifacts,
    compare_artifacts,
    compare_jobs,
    deployment,
    deployments,
    job,
    jobs,
    models,
    overview,
    plugin,
    plugins,
    tokens,
)
from palmette_gateway.dashboard.ports import SuiteApi
from palmette_gateway.dashboard.presentation.assets import Assets
from palmette_gateway.dashboard.presentation.templating import templates
from palmette_gateway.dashboard.unexpected import Unexpected

_PAGES = (
    login,
    overview,
    jobs,
    job,
    plugins,
    plugin,
    models,
    artifacts,
    artifact,
    compare_artifacts,
    compare_jobs,
    deployments,
    deployment,
    tokens,
)


def create_app(suite: SuiteApi) -> Starlette:
    """Return the dashboard of a suite. It looks at the suite for as long as its lifespan lasts.

    It serves plain HTTP and trusts the headers ``x-palmette-user`` and ``x-palmette-role``: it belongs behind
    Envoy, which sets them from a verified token.
    """
    sampler = Sampler(suite)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        task = asyncio.create_task(sampler.run(), name="dashboard-sampler")
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    app = Starlette(
        routes=[Mount("/static", Assets()), *(route for page in _PAGES for route in page.ROUTES)],
        middleware=[
            Middleware(ContentSecurity),
            Middleware(GZipMiddleware, minimum_size=1024, compresslevel=5),
            Middleware(Session),
            Middleware(Unexpected),
        ],
        exception_handlers={PalmetteError: errors.suite_error, HTTPException: errors.http_error},
        lifespan=lifespan,
    )
    app.state.dashboard = Dashboard(suite, sampler, templates())
    return app
