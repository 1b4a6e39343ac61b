"""The inspector: checks submissions and calls operations in processes that have torch loaded."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from palmette_plugins.api.errors import FailedPrecondition
from palmette_plugins.api.job_spec import JobSpec
from palmette_services.runtime.inspector.channel import InspectorChannel, InspectorDied
from palmette_services.runtime.inspector.wire import raise_error
from palmette_services.runtime.processes.forkserver import Forkserver


class Inspector:
    """Two processes: a long operation never holds up a submission.

    Plugin code runs there, so both may die or hang; they are started again with the next question.
    """

    def __init__(self, service: str, forkserver: Forkserver, artifact_store_url: str, check_timeout_s: float) -> None:
        self._service = service
        self._store_url = artifact_store_url
        self._check_timeout_s = check_timeout_s
        self._checks = InspectorChannel(forkserver)
        self._operations = InspectorChannel(forkserver)

    async def warm(self) -> None:
        """Start the process for checks, so that the first submission does not wait for it."""
        await self._ask(self._checks, {"kind": "ping", "subject": "the inspector"}, self._check_timeout_s)

    async def check(self, spec: JobSpec) -> None:
        """Raise what is wrong with a job: `InvalidArgument` with everything, `NotFound`, `FailedPrecondition`."""
        question = {"kind": "check", "subject": f"the check of plugin '{spec.plugin}'", "spec": asdict(spec)}
        await self._ask(self._checks, question, self._check_timeout_s)

    async def call(self, operation: str, request: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        """Run an operation of ``palmette.operations.<service>`` and return its answer.

        Raises:
            PalmetteError: What the operation raised.
            FailedPrecondition: It took longer than `timeout_s`, or killed its process.
        """
        question = {
            "kind": "call",
            "subject": f"the operation '{operation}'",
            "service": self._service,
            "operation": operation,
            "request": {**request, "artifact_store_url": self._store_url},
        }
        answer: dict[str, Any] = await self._ask(self._operations, question, timeout_s)
        return answer

    async def close(self) -> None:
        """End both processes."""
        await self._checks.close()
        await self._operations.close()

    async def _ask(self, channel: InspectorChannel, question: dict[str, Any], timeout_s: float) -> Any:
        subject = question["subject"]
        try:
            answer = await self._ask_twice(channel, question, timeout_s)
        except TimeoutError:
            raise FailedPrecondition(f"{subject} took longer than {timeout_s:g} s and was stopped") from None
        except InspectorDied as died:
            raise FailedPrecondition(f"{subject} did not answer: its process {died}") from None
        raise_error(answer)
        return answer["answer"]

    async def _ask_twice(self, channel: InspectorChannel, question: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        try:
            return await channel.ask(question, timeout_s)
        except InspectorDied:  # perhaps long before this question: a fresh process decides
            return await channel.ask(question, timeout_s)
