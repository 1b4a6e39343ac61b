"""Talking to a gateway over TLS."""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Iterator
from pathlib import Path

import grpc
import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.sdk.tiny_suite import TinySuite

import palmette
from palmette.errors import Unavailable


def self_signed() -> tuple[bytes, bytes]:
    """Return a key and a certificate for 127.0.0.1, PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "palmette test")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    return private, certificate.public_bytes(serialization.Encoding.PEM)


@pytest.fixture
def secure_suite(tmp_path: Path) -> Iterator[TinySuite]:
    key, certificate = self_signed()
    (tmp_path / "ca.pem").write_bytes(certificate)
    tiny = TinySuite()
    tiny.start(grpc.ssl_server_credentials([(key, certificate)]))
    yield tiny
    tiny.stop()


def test_a_trusted_certificate_is_enough_for_jobs_and_inference(
    secure_suite: TinySuite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PALMETTE_CA_FILE", str(tmp_path / "ca.pem"))

    with palmette.Client(f"https://{secure_suite.address}", secure_suite.token) as client:
        assert client.submit("random-pruning", model="m:x", data="digits").state == "QUEUED"
        assert client.infer("double", np.ones((1, 2, 3))).sum() == 12.0


def test_a_certificate_that_nobody_vouches_for_is_refused(secure_suite: TinySuite) -> None:
    with palmette.Client(f"https://{secure_suite.address}", secure_suite.token) as client:
        with pytest.raises(Unavailable, match="PALMETTE_CA_FILE"):
            client.plugins()
        assert secure_suite.gate.calls == []
