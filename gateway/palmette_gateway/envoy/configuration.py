"""Renders Envoy's configuration files from the settings, the endpoints and the contracts."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, FunctionLoader, StrictUndefined

from palmette_gateway.access.tokens import AUDIENCE, CLOCK_SKEW_S, COOKIE, ISSUER
from palmette_gateway.addresses import UnixSocket, Upstream
from palmette_gateway.contracts import palmette_descriptors, public_descriptors, services
from palmette_gateway.endpoints import Endpoints
from palmette_gateway.envoy.clusters import COLLECTOR, clusters
from palmette_gateway.envoy.local_replies import local_replies
from palmette_gateway.envoy.routes import routes
from palmette_gateway.envoy.secrets import INTERNAL_SECRET, secrets
from palmette_gateway.internal_secret import HEADER
from palmette_gateway.settings import Settings

BOOTSTRAP = "envoy.yaml"
LISTENERS = "listeners.yaml"
ROUTES = "routes.yaml"
CLUSTERS = "clusters.yaml"
DESCRIPTORS = "descriptors.binpb"
CURRENT = "current"  # symbolic link to the folder of the configuration in force


@dataclass(frozen=True)
class Configuration:
    """Envoy's configuration as files.

    Attributes:
        bootstrap: ``envoy.yaml``, read once at Envoy's start.
        files: Contents of the folder that ``current`` points to, by name.
    """

    bootstrap: str
    files: dict[str, bytes]

    @property
    def version(self) -> str:
        """Digest of the files: the same configuration has the same version."""
        digest = hashlib.sha256()
        for name, content in sorted(self.files.items()):
            digest.update(f"{name}\0{len(content)}\0".encode() + content)
        return digest.hexdigest()[:16]


def render(settings: Settings, endpoints: Endpoints, jwks: str, folder: Path) -> Configuration:
    """Render the configuration for an Envoy that will read it from `folder`.

    Args:
        jwks: The public keys that tokens are verified with, as JSON.
    """
    templates = _templates()
    current = f"{folder}/{CURRENT}"
    palmette = services(palmette_descriptors()).keys() & services(public_descriptors()).keys()
    described = public_descriptors().SerializeToString(deterministic=True)
    # The digest is in the name: the listener then changes, and is read again, when the contracts change.
    descriptors = f"{hashlib.sha256(described).hexdigest()[:16]}-{DESCRIPTORS}"
    all_secrets = secrets(settings)
    known = {secret.name for secret in all_secrets}
    templates.filters["secret"] = lambda name: _secret_source(name, folder)
    variables = {
        "folder": str(folder),
        "current": current,
        "admin": settings.envoy_admin,
        "listen": settings.envoy_listen,
        "tls": "public_identity" in known,
        "upstream_identity": "upstream_identity" in known,
        "internal_secret": INTERNAL_SECRET in known,
        "internal_secret_header": HEADER,
        "clusters": clusters(settings, endpoints),
        "collector": COLLECTOR if settings.collector else "",
        "trace_percent": settings.trace_percent,
        "routes": routes(endpoints, settings.unary_timeout_s),
        "local_replies": local_replies(settings.max_message_bytes),
        "descriptors": f"{current}/{descriptors}",
        "transcoded_services": sorted(palmette),
        "jwks": jwks,
        "issuer": ISSUER,
        "audience": AUDIENCE,
        "cookie": COOKIE,
        "clock_skew_s": CLOCK_SKEW_S,
        "max_message_bytes": settings.max_message_bytes,
        "rate_limit_per_s": settings.rate_limit_per_s,
        "rate_limit_burst": settings.rate_limit_burst,
    }
    contents = {
        name: templates.get_template(f"{name}.j2").render(variables).encode() for name in (LISTENERS, ROUTES, CLUSTERS)
    }
    contents[descriptors] = described
    for secret in all_secrets:
        contents[f"{secret.name}.yaml"] = templates.get_template("secret.yaml.j2").render(secret=secret).encode()
    return Configuration(templates.get_template(f"{BOOTSTRAP}.j2").render(variables), contents)


def _templates() -> Environment:
    folder = files("palmette_gateway.envoy").joinpath("templates")
    environment = Environment(
        loader=FunctionLoader(lambda name: folder.joinpath(name).read_text()),
        undefined=StrictUndefined,
        autoescape=False,  # YAML, not HTML; values go through tojson or a filter below
        keep_trailing_newline=True,
    )
    environment.filters |= {"address": _address, "seconds": lambda value: f"{value:g}s"}
    return environment


def _address(address: Upstream) -> str:
    if isinstance(address, UnixSocket):
        return json.dumps({"pipe": {"path": address.path}})
    return json.dumps({"socket_address": {"address": address.host, "port_value": address.port}})


def _secret_source(name: str, folder: Path) -> str:
    source = {
        "resource_api_version": "V3",
        "path_config_source": {"path": f"{folder}/{CURRENT}/{name}.yaml", "watched_directory": {"path": str(folder)}},
    }
    return json.dumps({"name": name, "sds_config": source})
