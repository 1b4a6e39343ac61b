"""palmette.v1.JobService in memory, with pages by key as the services have them."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator

import grpc
from tests.gateway.harness.upstream import Call, Upstream

from palmette_protos.v1 import job_pb2, plugin_pb2

PREFIX = "/palmette.v1.JobService/"
VALUES = {
    "create_time": lambda job: job.create_time.ToMicroseconds(),
    "end_time": lambda job: job.end_time.ToMicroseconds(),
    "priority": lambda job: job.priority,
}


class JobBook:
    """The jobs and plugins of one service, answered by an `Upstream`."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._lock = threading.Lock()
        self.jobs: dict[str, job_pb2.Job] = {}
        self.plugins: list[str] = []
        self.pages = 0
        upstream.answers |= {
            f"{PREFIX}ListJobs": self._list,
            f"{PREFIX}GetJob": self._get,
            "/palmette.v1.PluginService/ListPlugins": self._list_plugins,
        }

    def add(self, job_id: str, *, second: int, priority: int = 0, state: str = "SUCCEEDED") -> str:
        """Note a job that was created in this second and ended in the next; return its name."""
        name = f"services/{self._upstream.name}/jobs/{job_id}"
        job = job_pb2.Job(name=name, priority=priority, state=job_pb2.JobState.Value(f"JOB_STATE_{state}"))
        job.create_time.FromSeconds(second)
        job.end_time.FromSeconds(second + 1)
        with self._lock:
            self.jobs[name] = job
        return name

    def _list(self, call: Call, context: grpc.ServicerContext) -> job_pb2.ListJobsResponse:
        request = job_pb2.ListJobsRequest.FromString(call.messages[0])
        if request.filter.startswith("colour"):
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "'colour' cannot be filtered by")
        self.pages += call.metadata["x-palmette-user"] != "gateway"
        field, _, direction = (request.order_by or "create_time desc").partition(" ")

        def key(job: job_pb2.Job) -> tuple[int, str]:
            return VALUES[field](job), job.name.rpartition("/")[2]

        descending = direction == "desc"
        with self._lock:
            jobs = sorted(self.jobs.values(), key=key, reverse=descending)
        states = request.filter.removeprefix("state=").split(",") if request.filter else []
        if states:
            jobs = [job for job in jobs if job_pb2.JobState.Name(job.state).removeprefix("JOB_STATE_") in states]
        total = len(jobs)
        if request.page_token:
            after = tuple(json.loads(base64.b64decode(request.page_token)))
            jobs = [job for job in jobs if (key(job) < after if descending else key(job) > after)]
        size = request.page_size or 50
        page = job_pb2.ListJobsResponse(jobs=jobs[:size], total_size=total)
        if len(jobs) > size:
            page.next_page_token = base64.b64encode(json.dumps(key(jobs[size - 1])).encode()).decode()
        return page

    def _get(self, call: Call, context: grpc.ServicerContext) -> job_pb2.GetJobResponse:
        name = job_pb2.GetJobRequest.FromString(call.messages[0]).name
        if name not in self.jobs:
            context.abort(grpc.StatusCode.NOT_FOUND, f"no job named '{name}'")
        return job_pb2.GetJobResponse(job=self.jobs[name])

    def _list_plugins(self, _call: Call, _context: grpc.ServicerContext) -> Iterator[plugin_pb2.ListPluginsResponse]:
        names = [f"services/{self._upstream.name}/plugins/{plugin}" for plugin in self.plugins]
        yield plugin_pb2.ListPluginsResponse(plugins=[plugin_pb2.Plugin(name=name) for name in names])
