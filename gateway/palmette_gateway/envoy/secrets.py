"""Certificates, keys and secrets that Envoy follows on disk, so that a renewed one is used without a restart."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from palmette_gateway.internal_secret import read_secret
from palmette_gateway.secret_error import SecretError
from palmette_gateway.settings import Settings

INTERNAL_SECRET = "internal_secret"


@dataclass(frozen=True)
class Secret:
    """One TLS secret.

    Attributes:
        name: Name in Envoy.
        purpose: What it is for.
        certificate: A certificate chain, or a bundle of authorities when there is no key.
        key: The private key of the chain.
    """

    name: str
    purpose: str
    certificate: Path
    key: Path | None = None

    def check(self) -> None:
        """Load the files as Envoy will: it only warns when they are missing or do not belong together.

        Raises:
            SecretError: They cannot be loaded.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            if self.key:
                context.load_cert_chain(self.certificate, self.key)
            else:
                context.load_verify_locations(self.certificate)
        except OSError as error:  # ssl.SSLError is one
            files = " and ".join(map(str, filter(None, (self.certificate, self.key))))
            raise SecretError(f"cannot use {files}: {error.strerror or error}") from error


@dataclass(frozen=True)
class PlainSecret:
    """A line that Envoy sends along. Envoy is told the path: the secret itself is in no configuration.

    Attributes:
        name: Name in Envoy.
        purpose: What it is for.
        file: What holds it.
    """

    name: str
    purpose: str
    file: Path

    def check(self) -> None:
        """Read the file.

        Raises:
            SecretError: It holds no secret.
        """
        read_secret(self.file)


def secrets(settings: Settings) -> list[Secret | PlainSecret]:
    """The secrets that these settings call for; paths are absolute, since Envoy may run elsewhere."""
    found: list[Secret | PlainSecret] = []
    if settings.internal_secret_file:
        purpose = "What the services know calls by that came through here."
        found.append(PlainSecret(INTERNAL_SECRET, purpose, settings.internal_secret_file.absolute()))
    if settings.tls_cert and settings.tls_key:
        found.append(
            _secret("public_identity", "Certificate of the public address.", settings.tls_cert, settings.tls_key)
        )
    if settings.upstream_tls_ca:
        found.append(
            _secret("upstream_authority", "Authority of the endpoints' certificates.", settings.upstream_tls_ca)
        )
    if settings.upstream_tls_cert and settings.upstream_tls_key:
        purpose = "The gateway's certificate towards the endpoints."
        found.append(_secret("upstream_identity", purpose, settings.upstream_tls_cert, settings.upstream_tls_key))
    return found


def _secret(name: str, purpose: str, certificate: Path, key: Path | None = None) -> Secret:
    return Secret(name, purpose, certificate.absolute(), key.absolute() if key else None)
