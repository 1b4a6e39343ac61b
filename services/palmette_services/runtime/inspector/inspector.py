"""The inspector: checks submissions and calls operations in processes that have torch loaded."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from palmette_plugins.api.errors import FailedPrecondition
from palmette_plugins.api.job_spec import JobSpec
from palmette_services.runtime.inspector.channel import InspectorChannel
from palmette_services.runtime.inspector.connection import InspectorDied
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
        """Start the process for checks, so that the first submission does not wait for it.

        Raises:
            Unavailable: It could not be started; the next check tries again.
        """
        await self._checks.start()

    async def check(self, spec: JobSpec, within_s: float) -> None:
        """Raise what is wrong with a job: `InvalidArgument` with everything, `NotFound`, `FailedPrecondition`.

        Raises:
            Unavailable: The process that checks did not start, or did not answer, within `within_s`; it goes on.
            ResourceExhausted: Other checks kept it busy for `within_s`.
        """
        subject = f"the check of plugin '{spec.plugin}'"
        question = {"kind": "check", "subject": subject, "spec": asdict(spec)}
        try:
            # Finished even if the caller leaves: the first check of a plugin imports it, and if callers
            # are in more of a hurry than that takes, it would begin anew with each of them.
            await _ask(self._checks, question, self._check_timeout_s, within_s, finish=True)
        except TimeoutError:
            text = f"{subject} took longer than {self._check_timeout_s:g} s and was stopped"
            raise FailedPrecondition(f"{text}; if it needs longer, raise PALMETTE_CHECK_TIMEOUT_S") from None

    async def call(self, operation: str, request: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        """Run an operation of ``palmette.operations.<service>`` and return its answer.

        Raises:
            PalmetteError: What the operation raised.
            FailedPrecondition: It took longer than `timeout_s`, or killed its process.
            Unavailable: Its process did not start in that time.
            ResourceExhausted: Other operations kept it busy for that time.
        """
        subject = f"the operation '{operation}'"
        question = {
            "kind": "call",
            "subject": subject,
            "service": self._service,
            "operation": operation,
            "request": {**request, "artifact_store_url": self._store_url},
        }
        try:
            answer: dict[str, Any] = await _ask(self._operations, question, timeout_s, timeout_s)
        except TimeoutError:
            raise FailedPrecondition(f"{subject} took longer than {timeout_s:g} s and was stopped") from None
        return answer

    async def close(self) -> None:
        """End both processes."""
        await self._checks.close()
        await self._operations.close()


async def _ask(
    channel: InspectorChannel, question: dict[str, Any], timeout_s: float, within_s: float, *, finish: bool = False
) -> Any:
    try:
        try:
            answer = await channel.ask(question, timeout_s, within_s, finish=finish)
        except InspectorDied:  # perhaps long before this question: a fresh process decides
            answer = await channel.ask(question, timeout_s, within_s, finish=finish)
    except InspectorDied as died:
        raise FailedPrecondition(f"{question['subject']} did not answer: its process {died}") from None
    raise_error(answer)
    return answer["answer"]
