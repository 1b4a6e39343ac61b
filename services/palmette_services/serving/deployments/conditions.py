"""Why a deployment does not serve right now, although it should."""

from __future__ import annotations

from google.rpc import code_pb2, status_pb2

from palmette_plugins.api.errors import PalmetteError
from palmette_services.runtime.jobs.feed import JobFeed
from palmette_services.runtime.rpc.errors import error_status

_UNKNOWN = status_pb2.Status(
    code=code_pb2.UNAVAILABLE, message="the service has just started and has not asked Triton yet"
)


class Conditions:
    """What was last seen of each deployment on Triton. Kept in memory: it is looked up anew after a restart."""

    def __init__(self, feed: JobFeed) -> None:
        self._feed = feed
        self._seen: dict[str, status_pb2.Status | None] = {}

    def problem(self, deployment_id: str) -> status_pb2.Status | None:
        """Return why a deployment does not serve; None if it does."""
        return self._seen.get(deployment_id, _UNKNOWN)

    def set_live(self, deployment_id: str) -> None:
        """Triton serves it."""
        self._set(deployment_id, None)

    def set_problem(self, deployment_id: str, error: PalmetteError) -> None:
        """Triton does not serve it."""
        self._set(deployment_id, error_status(error))

    def forget(self, deployment_id: str) -> None:
        """The deployment is gone."""
        self._seen.pop(deployment_id, None)

    def _set(self, deployment_id: str, problem: status_pb2.Status | None) -> None:
        if deployment_id not in self._seen or self._seen[deployment_id] != problem:
            self._seen[deployment_id] = problem
            self._feed.publish(deployment_id)
