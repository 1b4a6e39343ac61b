"""What stands behind the gateway, and the file that may say so while it runs."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from palmette_gateway.addresses import AddressField, OptionalUpstreamField

RESERVED = frozenset({"control_plane", "dashboard", "triton"})  # Envoy's other clusters
SERVICE_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


def _service_name(name: str) -> str:
    if not SERVICE_NAME.fullmatch(name):
        raise ValueError(f"'{name}' is not a service name: lower-case letters, digits and underscores")
    if name in RESERVED:
        raise ValueError(f"a service cannot be called '{name}'")
    return name


ServiceMap = dict[Annotated[str, AfterValidator(_service_name)], AddressField]


class Endpoints(BaseModel):
    """Addresses of everything behind the gateway."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    services: ServiceMap = Field(default_factory=dict)
    triton_endpoint: OptionalUpstreamField = None

    @property
    def any_tls(self) -> bool:
        """Whether any endpoint is reached over TLS."""
        everything = [*self.services.values(), *([self.triton_endpoint] if self.triton_endpoint else [])]
        return any(address.tls for address in everything)


class EndpointsFileError(Exception):
    """The endpoints file is missing or wrong; the message names the file and what to correct."""


def read_endpoints(path: Path) -> Endpoints:
    """Read the endpoints file.

    Raises:
        EndpointsFileError: It cannot be read or does not hold endpoints.
    """
    try:
        return Endpoints.model_validate_json(path.read_bytes())
    except OSError as error:
        raise EndpointsFileError(f"cannot read {path}: {error.strerror}") from error
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in error.errors())
        raise EndpointsFileError(f"{path} is not a list of endpoints: {problems}") from error


async def follow_endpoints(path: Path, interval_s: float = 1.0) -> AsyncIterator[Endpoints | EndpointsFileError]:
    """Yield the file's content each time it changes, or what is wrong with it; never ends by itself.

    The file is looked at, not watched by inotify: a mounted ConfigMap and a network folder change without events.
    """
    seen: Endpoints | str = read_endpoints(path)
    while True:
        await asyncio.sleep(interval_s)
        try:
            now = read_endpoints(path)
        except EndpointsFileError as error:
            if str(error) != seen:
                seen = str(error)
                yield error
            continue
        if now != seen:
            seen = now
            yield now
