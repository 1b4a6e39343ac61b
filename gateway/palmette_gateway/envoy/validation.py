"""Lets Envoy itself judge a configuration before any running Envoy sees it."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import yaml

from palmette_gateway.envoy.configuration import BOOTSTRAP, CLUSTERS, CURRENT, LISTENERS, ROUTES, Configuration

TIMEOUT_S = 60.0
CONSTRAINT = re.compile(r"^: Proto constraint validation failed \((.*)\)$", re.MULTILINE)
PROBLEM = re.compile(r"error initializing configuration '[^']*': (.*)")


class ConfigurationRefusedError(Exception):
    """Envoy does not take a configuration; the message is Envoy's."""


async def validate(configuration: Configuration, envoy: Path, folder: Path) -> None:
    """Check a configuration that was rendered for `folder`, with `envoy --mode validate`.

    Envoy does not look into files that it would follow, so they are put into one static bootstrap for this check.

    Raises:
        ConfigurationRefusedError: Envoy refuses it, or does not end within a minute.
    """
    (folder / CURRENT).mkdir(parents=True, exist_ok=True)
    for name, content in configuration.files.items():
        (folder / CURRENT / name).write_bytes(content)
    bootstrap = folder / BOOTSTRAP
    bootstrap.write_text(json.dumps(_static_bootstrap(configuration)))

    process = await asyncio.create_subprocess_exec(
        str(envoy),
        *("--mode", "validate", "--config-path", str(bootstrap), "--log-level", "error"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, errors = await asyncio.wait_for(process.communicate(), TIMEOUT_S)
    except TimeoutError as error:
        raise ConfigurationRefusedError(f"envoy --mode validate took more than {TIMEOUT_S:g} s") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise ConfigurationRefusedError(_cause(errors.decode(errors="replace"), process.returncode))


def _static_bootstrap(configuration: Configuration) -> dict[str, Any]:
    bootstrap = yaml.safe_load(configuration.bootstrap)
    listeners, routes, clusters = (_resources(configuration, name) for name in (LISTENERS, ROUTES, CLUSTERS))
    for listener in listeners:
        for chain in listener["filter_chains"]:
            for network_filter in chain["filters"]:
                del network_filter["typed_config"]["rds"]
                network_filter["typed_config"]["route_config"] = _untyped(routes[0])
    return {
        "node": bootstrap["node"],
        "admin": bootstrap["admin"],
        "overload_manager": bootstrap["overload_manager"],
        "static_resources": {
            "listeners": [_untyped(listener) for listener in listeners],
            "clusters": [_untyped(cluster) for cluster in clusters],
        },
    }


def _resources(configuration: Configuration, name: str) -> list[dict[str, Any]]:
    resources: list[dict[str, Any]] = yaml.safe_load(configuration.files[name])["resources"]
    return resources


def _untyped(resource: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in resource.items() if key != "@type"}


def _cause(log: str, status: int) -> str:
    """The one line of Envoy's log that a person can act on; it may quote a whole message before it says why."""
    for pattern in (CONSTRAINT, PROBLEM):
        match = pattern.search(log)
        if match:
            return " ".join(match[1].split())  # protobuf puts random spaces into its messages
    return log.strip() or f"envoy --mode validate ended with status {status}"
