"""Deciding whether a submission is accepted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Protocol

from palmette_plugins.api.errors import FieldViolation, InvalidArgument
from palmette_plugins.api.job_spec import JobSpec
from palmette_protos.v1 import job_pb2
from palmette_services.runtime.jobs.insertion import NewJob
from palmette_services.runtime.jobs.names import check_parent
from palmette_services.runtime.jobs.submission import (
    accepted_fields,
    choose_seed,
    content_digest,
    job_spec,
    runtime_violations,
    verdict_key,
)
from palmette_services.runtime.observability.trace_context import current_traceparent

_VERDICT_AGE_S = 10.0
_MOST_VERDICTS = 4096


class SubmissionChecker(Protocol):
    """Where plugins check submissions: the inspector."""

    async def check(self, spec: JobSpec, within_s: float) -> None:
        """Raise what is wrong with the submission; `Unavailable` if that is not known within `within_s`."""


ResourceCheck = Callable[[job_pb2.Resources], Iterable[FieldViolation]]


class Acceptance:
    """Checks submissions: the runtime's own rules here, the plugin's in the inspector.

    That a plugin found nothing wrong is remembered for a few seconds: a sweep over seeds costs one check.
    """

    def __init__(
        self, service: str, artifact_store_url: str, checker: SubmissionChecker, resource_violations: ResourceCheck
    ) -> None:
        self._service = service
        self._artifact_store_url = artifact_store_url
        self._checker = checker
        self._passed: dict[bytes, float] = {}
        self._resource_violations = resource_violations

    def prepare(self, request: job_pb2.SubmitJobRequest, user: str) -> NewJob:
        """Return the job as it would be stored; raise `InvalidArgument` for a wrong parent."""
        check_parent(request.parent, self._service)
        accepted = accepted_fields(request.job)
        digest = content_digest(accepted)
        choose_seed(accepted)
        return NewJob(accepted, user, request.request_id, digest, current_traceparent())

    async def check(self, request: job_pb2.SubmitJobRequest, new: NewJob, within_s: float) -> None:
        """Raise everything that is wrong with the submission, at once; `Unavailable` if that takes too long."""
        found = list(runtime_violations(request.job, request.request_id))
        found += self._resource_violations(request.job.resources)
        try:
            await self._check_plugin(new, within_s)
        except InvalidArgument as error:
            found += error.violations
        if found:
            raise InvalidArgument(found)

    def passed_lately(self, new: NewJob) -> bool:
        """Tell whether the plugin found nothing wrong with the same content a moment ago."""
        return time.monotonic() - self._passed.get(verdict_key(new.job), float("-inf")) < _VERDICT_AGE_S

    async def _check_plugin(self, new: NewJob, within_s: float) -> None:
        if self.passed_lately(new):
            return
        await self._checker.check(job_spec(self._service, new.job, self._artifact_store_url), within_s)
        now_s = time.monotonic()
        if len(self._passed) >= _MOST_VERDICTS:
            self._passed = {key: at for key, at in self._passed.items() if now_s - at < _VERDICT_AGE_S}
        if len(self._passed) < _MOST_VERDICTS:
            self._passed[verdict_key(new.job)] = now_s
