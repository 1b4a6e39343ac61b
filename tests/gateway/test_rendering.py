"""Envoy's configuration: what Envoy itself says of it, and how it is put in force."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from tests.gateway.harness.certificates import Authority

from palmette_gateway.access.signing_key import load_or_create, public_keys
from palmette_gateway.endpoints import Endpoints
from palmette_gateway.envoy.binary import EnvoyMissingError, find_envoy
from palmette_gateway.envoy.configuration import CLUSTERS, LISTENERS, ROUTES, Configuration, render
from palmette_gateway.envoy.publication import KEPT_VERSIONS, publish
from palmette_gateway.envoy.renderer import Renderer
from palmette_gateway.envoy.validation import ConfigurationRefusedError, validate
from palmette_gateway.secret_error import SecretError
from palmette_gateway.settings import Settings

LOCAL = {
    "services": {"pruning_growth": "127.0.0.1:50051", "serving": "127.0.0.1:50052"},
    "triton_endpoint": "127.0.0.1:8001",
}
SOCKET = LOCAL | {"triton_endpoint": "unix:/run/palmette/triton:1"}
CLUSTER = {
    "services": {name: f"grpcs://{name.replace('_', '-')}.palmette.svc:8443" for name in ("nas", "retrieval")},
    "triton_endpoint": "grpcs://triton.palmette.svc:8001",
    "envoy_listen": "[::]:8443",
}


@pytest.fixture
def jwks(tmp_path: Path) -> str:
    """Public keys."""
    return public_keys(load_or_create(tmp_path / "auth"))


def _settings(tmp_path: Path, **more: object) -> Settings:
    base = {
        "gateway_listen": "127.0.0.1:50050",
        "dashboard_listen": "127.0.0.1:50049",
        "envoy_admin": "127.0.0.1:9901",
        "envoy_config_dir": tmp_path / "envoy",
        "auth_dir": tmp_path / "auth",
    }
    return Settings.model_validate(base | more)


def _with_tls(tmp_path: Path) -> dict[str, Path]:
    authority = Authority(tmp_path)
    (tls_cert, tls_key), (upstream_cert, upstream_key) = authority.issue("localhost"), authority.issue("gateway")
    return {
        "tls_cert": tls_cert,
        "tls_key": tls_key,
        "upstream_tls_ca": authority.certificate,
        "upstream_tls_cert": upstream_cert,
        "upstream_tls_key": upstream_key,
    }


async def test_envoy_accepts_the_local_configuration(tmp_path: Path, jwks: str) -> None:
    settings = _settings(tmp_path, **LOCAL)
    configuration = render(settings, settings.endpoints(), jwks, tmp_path / "trial")
    await validate(configuration, find_envoy(None), tmp_path / "trial")


async def test_envoy_accepts_triton_on_a_socket(tmp_path: Path, jwks: str) -> None:
    settings = _settings(tmp_path, **SOCKET)
    configuration = render(settings, settings.endpoints(), jwks, tmp_path / "trial")
    await validate(configuration, find_envoy(None), tmp_path / "trial")

    resources = yaml.safe_load(configuration.files[CLUSTERS])["resources"]
    (triton,) = [cluster for cluster in resources if cluster["name"] == "triton"]
    (endpoint,) = triton["load_assignment"]["endpoints"][0]["lb_endpoints"]
    assert triton["type"] == "STATIC"
    assert endpoint["endpoint"]["address"] == {"pipe": {"path": "/run/palmette/triton:1"}}


async def test_envoy_accepts_the_clusters_configuration_with_tls_everywhere(tmp_path: Path, jwks: str) -> None:
    settings = _settings(tmp_path, **CLUSTER, **_with_tls(tmp_path))
    configuration = render(settings, settings.endpoints(), jwks, tmp_path / "trial")
    await validate(configuration, find_envoy(None), tmp_path / "trial")


async def test_envoy_accepts_a_suite_without_any_service(tmp_path: Path, jwks: str) -> None:
    settings = _settings(tmp_path)
    configuration = render(settings, settings.endpoints(), jwks, tmp_path / "trial")
    await validate(configuration, find_envoy(None), tmp_path / "trial")


@pytest.mark.parametrize(
    ("file", "good", "bad", "cause"),
    [
        (LISTENERS, b"tokens_per_fill: 20000", b"tokens_per_fill: 0", "TokensPerFill: value must be greater than 0"),
        (LISTENERS, b"normalize_path: true", b"normalise_path: true", "no such field: 'normalise_path'"),
        (ROUTES, b"cluster: dashboard", b"cluster: nowhere", "unknown cluster 'nowhere'"),
    ],
)
async def test_a_configuration_that_envoy_refuses_is_refused_in_one_line(
    tmp_path: Path, jwks: str, file: str, good: bytes, bad: bytes, cause: str
) -> None:
    settings = _settings(tmp_path, **LOCAL)
    fine = render(settings, settings.endpoints(), jwks, tmp_path / "trial")
    broken = Configuration(fine.bootstrap, fine.files | {file: fine.files[file].replace(good, bad)})
    assert broken != fine

    with pytest.raises(ConfigurationRefusedError) as caught:
        await validate(broken, find_envoy(None), tmp_path / "trial")

    assert cause in str(caught.value)
    assert "\n" not in str(caught.value)


async def test_what_is_refused_replaces_nothing(tmp_path: Path, jwks: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = _settings(tmp_path, **LOCAL)
    renderer = Renderer(settings, jwks, settings.envoy_config_dir)
    await renderer.apply(settings.endpoints())
    before = (settings.envoy_config_dir / "current").readlink()
    no_keys = Renderer(settings, "these are no keys", settings.envoy_config_dir)

    with pytest.raises(ConfigurationRefusedError):
        await no_keys.apply(settings.endpoints())

    assert (settings.envoy_config_dir / "current").readlink() == before


@pytest.mark.parametrize("missing", ["tls_cert", "upstream_tls_ca"])
async def test_a_missing_certificate_is_named(tmp_path: Path, jwks: str, missing: str) -> None:
    files = _with_tls(tmp_path)
    files[missing].unlink()
    settings = _settings(tmp_path, **CLUSTER, **files)
    with pytest.raises(SecretError, match=files[missing].name):
        await Renderer(settings, jwks, settings.envoy_config_dir).apply(settings.endpoints())


async def test_a_key_of_another_certificate_is_named(tmp_path: Path, jwks: str) -> None:
    files = _with_tls(tmp_path)
    settings = _settings(tmp_path, **CLUSTER, **(files | {"tls_key": files["upstream_tls_key"]}))
    with pytest.raises(SecretError, match=files["upstream_tls_key"].name):
        await Renderer(settings, jwks, settings.envoy_config_dir).apply(settings.endpoints())


def test_the_same_settings_change_nothing(tmp_path: Path, jwks: str) -> None:
    settings, folder = _settings(tmp_path, **LOCAL), tmp_path / "envoy"
    assert publish(render(settings, settings.endpoints(), jwks, folder), folder)
    assert not publish(render(settings, settings.endpoints(), jwks, folder), folder)


def test_the_folder_keeps_a_few_versions_and_links_the_newest(tmp_path: Path, jwks: str) -> None:
    settings, folder = _settings(tmp_path, **LOCAL), tmp_path / "envoy"
    for port in range(8001, 8010):
        endpoints = Endpoints.model_validate({"triton_endpoint": f"127.0.0.1:{port}"})
        publish(render(settings, endpoints, jwks, folder), folder)

    assert len(list((folder / "versions").iterdir())) == KEPT_VERSIONS
    clusters = yaml.safe_load((folder / "current" / "clusters.yaml").read_text())
    (triton,) = [cluster for cluster in clusters["resources"] if cluster["name"] == "triton"]
    assert '"port_value": 8009' in json.dumps(triton)
    assert not [path for path in folder.rglob(".*") if path.name.startswith((".staging", ".current"))]


def test_a_version_that_comes_back_is_put_in_force_again(tmp_path: Path, jwks: str) -> None:
    settings, folder = _settings(tmp_path, **LOCAL), tmp_path / "envoy"
    first = render(settings, settings.endpoints(), jwks, folder)
    publish(first, folder)
    publish(render(settings, Endpoints(), jwks, folder), folder)
    assert publish(first, folder)
    assert (folder / "current").resolve().name == first.version


def test_values_cannot_break_out_of_the_yaml(tmp_path: Path, jwks: str) -> None:
    folder = tmp_path / 'a "quoted": {path} # here'
    settings = _settings(tmp_path, **LOCAL)
    bootstrap = yaml.safe_load(render(settings, settings.endpoints(), jwks, folder).bootstrap)
    path = bootstrap["dynamic_resources"]["lds_config"]["path_config_source"]["path"]
    assert path == f"{folder}/current/listeners.yaml"


def test_render_writes_the_files_and_exits(tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PALMETTE_")} | {
        "PALMETTE_GATEWAY_LISTEN": "127.0.0.1:50050",
        "PALMETTE_DASHBOARD_LISTEN": "127.0.0.1:50049",
        "PALMETTE_ENVOY_ADMIN": "127.0.0.1:9901",
        "PALMETTE_ENVOY_CONFIG_DIR": str(tmp_path / "elsewhere"),
        "PALMETTE_AUTH_DIR": str(tmp_path / "auth"),
        "PALMETTE_SERVICES": json.dumps(LOCAL["services"]),
    }
    command = [sys.executable, "-m", "palmette_gateway", "render", "--out", str(tmp_path / "out")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f"rendered {tmp_path / 'out' / 'envoy.yaml'}"
    assert (tmp_path / "out" / "current" / LISTENERS).is_file()
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("PALMETTE_GATEWAY_LISTEN", "", "PALMETTE_GATEWAY_LISTEN: Field required"),
        ("PALMETTE_ENVOY_LISTEN", "8080", "PALMETTE_ENVOY_LISTEN: '8080' is not an address: write host:port"),
        ("PALMETTE_ENVOY_LISTEN", "unix:/run/gateway", "'unix:/run/gateway' has no port from 1 to 65535"),
        ("PALMETTE_TRITON_ENDPOINT", "unix:triton", "'unix:triton' is not a socket: write unix:/path"),
        ("PALMETTE_TRITON_ENDPOINT", "unix:/my triton", "the path without spaces"),
        ("PALMETTE_TRITON_ENDPOINT", f"unix:/{'a' * 107}", "is too long for a socket: 107 bytes at most"),
        ("PALMETTE_ENVOY_ADMIN", "localhost:99999", "has no port from 1 to 65535"),
        ("PALMETTE_SERVICES", '{"dashboard": "a:1"}', "a service cannot be called 'dashboard'"),
        ("PALMETTE_SERVICES", '{"Nas": "a:1"}', "'Nas' is not a service name"),
        ("PALMETTE_SERVICES", "nonsense", "services"),
        ("PALMETTE_TLS_CERT", "/cert.pem", "set both PALMETTE_TLS_CERT and PALMETTE_TLS_KEY"),
        ("PALMETTE_ENDPOINTS_FILE", "/no/such/file.json", "cannot read /no/such/file.json"),
        ("PALMETTE_ENVOY_BINARY", "/no/such/envoy", "PALMETTE_ENVOY_BINARY is /no/such/envoy, which is not a file"),
    ],
)
def test_wrong_settings_are_said_in_one_line(tmp_path: Path, name: str, value: str, text: str) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PALMETTE_")} | {
        "PALMETTE_GATEWAY_LISTEN": "127.0.0.1:50050",
        "PALMETTE_DASHBOARD_LISTEN": "127.0.0.1:50049",
        "PALMETTE_ENVOY_ADMIN": "127.0.0.1:9901",
        "PALMETTE_ENVOY_CONFIG_DIR": str(tmp_path / "envoy"),
        "PALMETTE_AUTH_DIR": str(tmp_path / "auth"),
        name: value,
    }
    command = [sys.executable, "-m", "palmette_gateway"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode in (1, 2)
    assert text in done.stderr
    assert "Traceback" not in done.stderr


def test_no_envoy_at_all_is_said_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("palmette_gateway.envoy.binary.find_spec", lambda _name: None)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(EnvoyMissingError, match=r"palmette-gateway\[local\]"):
        find_envoy(None)
