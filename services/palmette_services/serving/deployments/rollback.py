"""Which version a rollback goes to."""

from __future__ import annotations

from palmette_plugins.api.errors import FailedPrecondition, NotFound
from palmette_services.serving.deployments.states import Deployment, Version, VersionState


def rollback_version(deployment: Deployment, number: int) -> Version:
    """Return the version to serve: `number`, or for 0 the newest that served before the current one.

    Raises:
        FailedPrecondition: There is none, or it never served, or the deployment is being deleted.
        NotFound: There is no such version.
    """
    if deployment.deleting:
        raise FailedPrecondition(f"deployment '{deployment.id}' is being deleted")
    served = [version for version in deployment.versions if version.state is VersionState.RETIRED]
    if number == 0:
        earlier = [version for version in served if version.number < deployment.serving_version]
        if not earlier:
            raise FailedPrecondition(
                f"no version of '{deployment.id}' served before version {deployment.serving_version}"
            )
        return max(earlier, key=lambda version: version.number)
    known = {version.number: version for version in deployment.versions}
    if number not in known:
        numbers = [str(version) for version in known]
        raise NotFound.named(f"version of '{deployment.id}'", str(number), numbers)
    if known[number].state is VersionState.FAILED or known[number].ready_time_us is None:
        raise FailedPrecondition(f"version {number} of '{deployment.id}' never served, so there is no way back to it")
    return known[number]
