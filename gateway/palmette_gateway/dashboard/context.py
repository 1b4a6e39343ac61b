"""What every page needs: the suite, the shared look at it, and the templates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from jinja2 import Environment
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse

from palmette_gateway.dashboard.access.caller import Caller
from palmette_gateway.dashboard.live.sampler import Sampler
from palmette_gateway.dashboard.ports import SuiteApi


@dataclass(frozen=True)
class Dashboard:
    """The parts of a running dashboard."""

    suite: SuiteApi
    sampler: Sampler
    templates: Environment

    def end_streams(self) -> None:
        """End every open stream; whoever stops the server calls it first."""
        self.sampler.end_streams()

    def render(self, template: str, context: Mapping[str, Any], caller: Caller | None) -> str:
        """Return a template's text as the caller may see it."""
        return self.templates.get_template(template).render(
            context,
            who=caller,
            sampler=self.sampler,
            health_now=self.sampler.health,
            jobs_now=self.sampler.jobs,
            deployments_now=self.sampler.deployments,
            now=datetime.now(UTC),
        )

    def page(
        self, request: Request, template: str, context: Mapping[str, Any] | None = None, status_code: int = 200
    ) -> HTMLResponse:
        """Return a page."""
        values = {"path": request.url.path, "query": request.query_params, **(context or {})}
        return HTMLResponse(self.render(template, values, request.state.caller), status_code=status_code)


def dashboard_of(connection: HTTPConnection) -> Dashboard:
    """Return the dashboard that serves a request."""
    return cast("Dashboard", connection.app.state.dashboard)
