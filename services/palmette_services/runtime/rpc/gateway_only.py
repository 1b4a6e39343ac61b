"""Answers only calls that come through the gateway: it alone knows who calls and what he may do."""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from palmette_plugins.api.errors import FailedPrecondition
from palmette_services.runtime.rpc.calls import Call, CallInterceptor
from palmette_services.runtime.rpc.codes import Unauthenticated
from palmette_services.runtime.rpc.internal_secret import HEADER, SETTING, InternalSecret
from palmette_services.runtime.settings import ServiceSettings

# Probes have no secret and learn nothing but that the service serves. Each worker has a secret of its own job.
_OPEN = ("/grpc.health.v1.Health/", "/palmette.worker.v1.WorkerService/")


class GatewayOnly(CallInterceptor):
    """Refuses calls that do not show the internal secret. Reflection is refused too: the gateway answers it."""

    def __init__(self, secret: InternalSecret) -> None:
        super().__init__()
        self._secret = secret

    @asynccontextmanager
    async def around(self, call: Call) -> AsyncIterator[None]:
        """Look at the secret before the handler sees anything of the call."""
        if not call.method.startswith(_OPEN):
            shown = call.header(HEADER)
            if not shown:
                raise Unauthenticated(
                    "this service answers only calls that come through the gateway: call the gateway's address, with "
                    f"a token (if this call did come through it, the gateway lacks {SETTING})"
                )
            if not self._secret.accepts(shown):
                raise Unauthenticated(
                    f"the internal secret of this call is not this service's: the files of {SETTING} of the gateway "
                    "and of this service must hold the same"
                )
        yield


def demanded_secret(settings: ServiceSettings) -> InternalSecret | None:
    """Return the secret that callers must show; None where everybody who can connect is believed.

    Raises:
        FailedPrecondition: Others than this machine could connect, and nothing would tell them from the gateway.
    """
    if settings.internal_secret_file is not None:
        return InternalSecret(settings.internal_secret_file)
    if settings.trust_network or _is_loopback(settings.listen):
        return None
    raise FailedPrecondition(
        f"PALMETTE_LISTEN={settings.listen} lets other machines connect, and each could claim to be anybody: set "
        f"{SETTING} to a file with a secret that the gateway has too, or PALMETTE_TRUST_NETWORK=true if the network "
        "lets only the gateway in"
    )


def _is_loopback(listen: str) -> bool:
    host = listen.rpartition(":")[0].removeprefix("[").removesuffix("]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name: only this one is known to mean this machine
        return host == "localhost"
