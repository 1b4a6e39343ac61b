"""The list of jobs, filtered and paged, with rows that stay true."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from sse_starlette import EventSourceResponse
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from palmette.errors import PalmetteError
from palmette.types import JobState
from palmette_gateway.dashboard.calls.jobs import JobPage, list_jobs
from palmette_gateway.dashboard.calls.plugins import list_plugins
from palmette_gateway.dashboard.context import dashboard_of
from palmette_gateway.dashboard.live.stream import COMMON, fragments

_ORDERS = {
    "": "Newest first",
    "create_time": "Oldest first",
    "end_time desc": "Last finished first",
    "priority desc": "Highest priority first",
}
_TEXTS = ("plugin", "user", "parent")


@dataclass(frozen=True)
class JobQuery:
    """What the page's address asks for."""

    states: tuple[str, ...]
    service: str
    texts: Mapping[str, str]
    label: str
    order: str
    page_token: str

    @classmethod
    def parse(cls, request: Request) -> JobQuery:
        """Read the address; what makes no sense is left out."""
        query = request.query_params
        return cls(
            states=tuple(state for state in query.getlist("state") if state in set(JobState)),
            service=query.get("service", ""),
            texts={name: query[name] for name in _TEXTS if query.get(name)},
            label=query.get("label", "").strip(),
            order=query.get("order", "") if query.get("order", "") in _ORDERS else "",
            page_token=query.get("page_token", ""),
        )

    @property
    def filter_text(self) -> str:
        """The same as ListJobs takes it."""
        conditions = [f"state={','.join(self.states)}"] if self.states else []
        conditions += [f"{name}={value}" for name, value in self.texts.items()]
        if self.label:
            key, _, value = self.label.partition("=")
            conditions.append(f"labels.{key.strip()}={value.strip()}")
        return " AND ".join(conditions)

    @property
    def narrowed(self) -> bool:
        """Whether anything is filtered at all."""
        return bool(self.filter_text or self.service)

    def address(self, page_token: str = "", path: str = "/jobs") -> str:
        """Return the address of the same list at another page."""
        pairs = [("state", state) for state in self.states]
        pairs += [("service", self.service), *self.texts.items(), ("label", self.label), ("order", self.order)]
        pairs.append(("page_token", page_token))
        query = urlencode([(name, value) for name, value in pairs if value])
        return f"{path}?{query}" if query else path


async def show(request: Request) -> Response:
    """Show a page of jobs; htmx gets the list alone."""
    query = JobQuery.parse(request)
    dashboard = dashboard_of(request)
    if request.headers.get("hx-target") == "job-list":
        rows = await _rows(request, query)
        return dashboard.page(request, "live/job_list.html", rows)
    rows, names = await asyncio.gather(_rows(request, query), _plugin_names(request))
    context = {
        **rows,
        "states": list(JobState),
        "orders": _ORDERS,
        "services": dashboard.suite.services,
        "plugin_names": names,
    }
    return dashboard.page(request, "jobs.html", context)


async def live(request: Request) -> Response:
    """Stream the rows of a page of jobs."""
    query = JobQuery.parse(request)

    async def context() -> Mapping[str, Any]:
        return await _rows(request, query)

    return EventSourceResponse(fragments(request, (*COMMON, "live/job_list.html"), context))


async def _rows(request: Request, query: JobQuery) -> dict[str, Any]:
    problem, page = "", JobPage(())
    try:
        page = await list_jobs(
            dashboard_of(request).suite,
            query.filter_text,
            service=query.service,
            page_token=query.page_token,
            order_by=query.order,
        )
    except PalmetteError as error:
        problem = str(error)
    return {
        "jobs": page,
        "job_query": query,
        "problem": problem,
        "next_address": query.address(page.next_page_token) if page.next_page_token else "",
        "first_address": query.address() if query.page_token else "",
        "live_address": query.address(query.page_token, "/live/jobs"),
    }


async def _plugin_names(request: Request) -> list[str]:
    try:
        plugins, _ = await list_plugins(dashboard_of(request).suite)
    except PalmetteError:
        return []  # only suggestions for a field; the list itself says what does not answer
    return sorted({plugin.id for plugin in plugins})


ROUTES = [Route("/jobs", show), Route("/live/jobs", live)]
