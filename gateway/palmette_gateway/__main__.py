"""`python -m palmette_gateway`: serve, or only render Envoy's configuration."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError
from pydantic_settings import SettingsError

from palmette_gateway.access.signing_key import SigningKeyError, load_or_create, public_keys
from palmette_gateway.endpoints import EndpointsFileError
from palmette_gateway.envoy.binary import EnvoyMissingError
from palmette_gateway.envoy.renderer import Renderer
from palmette_gateway.envoy.validation import ConfigurationRefusedError
from palmette_gateway.gateway import Gateway
from palmette_gateway.logs import set_up_logs
from palmette_gateway.secret_error import SecretError
from palmette_gateway.settings import Settings
from palmette_gateway.web_server import AddressTakenError

START_ERRORS = (
    AddressTakenError,
    ConfigurationRefusedError,
    EndpointsFileError,
    EnvoyMissingError,
    SecretError,
    SigningKeyError,
    OSError,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the gateway; return the exit status: 0 after a stop, 1 for what could not start, 2 for wrong settings."""
    parser = argparse.ArgumentParser(
        prog="python -m palmette_gateway",
        description="The gateway of Palmette. Without a command it serves until SIGTERM.",
        epilog="Settings are environment variables that start with PALMETTE_; see palmette_gateway/settings.py.",
    )
    commands = parser.add_subparsers(dest="command")
    render = commands.add_parser("render", help="write Envoy's configuration to a folder and exit")
    render.add_argument("--out", type=Path, required=True, help="the folder that Envoy will read it from")
    chosen = parser.parse_args(arguments)
    try:
        settings = Settings()
    except (ValidationError, SettingsError) as error:
        print(_explain(error), file=sys.stderr)
        return 2
    set_up_logs(settings.log_format)
    try:
        asyncio.run(_render(settings, chosen.out.absolute()) if chosen.command == "render" else _serve(settings))
    except START_ERRORS as error:
        print(f"palmette_gateway: {error}", file=sys.stderr)
        return 1
    return 0


async def _serve(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await Gateway(settings).run(stop)


async def _render(settings: Settings, folder: Path) -> None:
    keys = public_keys(load_or_create(settings.auth_dir))
    await Renderer(settings, keys, folder).apply(settings.endpoints())
    print(f"rendered {folder / 'envoy.yaml'}")


def _explain(error: ValidationError | SettingsError) -> str:
    """One line a setting, named as in the environment."""
    if isinstance(error, SettingsError):
        return f"palmette_gateway: {error}: {error.__cause__}"
    lines = []
    for problem in error.errors(include_url=False):
        name, *inner = map(str, problem["loc"] or ("settings",))
        path = f" ({'.'.join(inner)})" if inner else ""
        lines.append(f"palmette_gateway: PALMETTE_{name.upper()}{path}: {problem['msg'].removeprefix('Value error, ')}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
