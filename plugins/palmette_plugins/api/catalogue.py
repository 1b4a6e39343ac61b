"""The catalogue of a service's installed methods, read in a throw-away subprocess.

`read_catalogue` starts ``python -m palmette_plugins.api.catalogue SERVICE``; only that process imports
method code, so a plugin that fails, hangs or kills its importer never touches the caller. Results are
cached by the versions of everything that could have changed them.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, Field

from palmette_plugins.api.entry_points import installed, methods_group

_TIMEOUT_S = 120.0

Run = Callable[[Sequence[str], float], "subprocess.CompletedProcess[bytes]"]


def run_to_end(command: Sequence[str], timeout_s: float) -> subprocess.CompletedProcess[bytes]:
    """Run a command and capture its output; kill it and raise `subprocess.TimeoutExpired` after `timeout_s`."""
    return subprocess.run(command, capture_output=True, timeout=timeout_s, check=False)


class InputDescription(BaseModel):
    """An input: ``type`` is ``model``, ``dataset`` or ``artifact``."""

    model_config = ConfigDict(frozen=True)

    name: str
    type: str
    repeated: bool
    optional: bool
    description: str


class OutputDescription(BaseModel):
    """An output and the kind of artifact that it is."""

    model_config = ConfigDict(frozen=True)

    name: str
    kind: str
    repeated: bool
    description: str


class PluginDescription(BaseModel):
    """A method as the catalogue shows it; `error` is set (and the rest empty) for a BROKEN one."""

    model_config = ConfigDict(frozen=True)

    name: str
    distribution: str
    version: str
    error: str = ""
    kind: str = ""
    summary: str = ""
    description: str = ""
    paper: dict[str, Any] | None = None
    config_schema: dict[str, Any] = Field(default_factory=dict)
    inputs: tuple[InputDescription, ...] = ()
    outputs: tuple[OutputDescription, ...] = ()
    tasks: tuple[str, ...] = ()


def read_catalogue(service: str, cache_dir: Path | None = None, run: Run = run_to_end) -> list[PluginDescription]:
    """Return the descriptions of a service's methods, ordered by name. Blocks while a subprocess imports them.

    If importing one plugin kills or hangs the process, the plugins are read one by one, so that only the
    culprit is BROKEN. `run` runs the subprocess; a caller that may have to end it passes its own.
    """
    points = installed(methods_group(service))
    cached = cache_dir / f"catalogue-{service}-{_key(points)}.json" if cache_dir else None
    if cached and cached.exists():
        return [PluginDescription.model_validate(item) for item in orjson.loads(cached.read_bytes())]
    plugins, failure = _describe_in_subprocess(service, list(points), run)
    if failure:
        plugins = [_describe_alone(service, point, run) for point in points.values()]
    # A BROKEN plugin is looked at again next time: what it lacked may be installed without a change of its version.
    if cached and not any(plugin.error for plugin in plugins):
        cached.parent.mkdir(parents=True, exist_ok=True)
        temporary = cached.with_suffix(f".{os.getpid()}.tmp")
        temporary.write_bytes(orjson.dumps([plugin.model_dump() for plugin in plugins]))
        temporary.replace(cached)
    return plugins


def _describe_alone(service: str, point: EntryPoint, run: Run) -> PluginDescription:
    plugins, failure = _describe_in_subprocess(service, [point.name], run)
    return plugins[0] if plugins else _broken(point, failure)


def _describe_in_subprocess(service: str, names: list[str], run: Run) -> tuple[list[PluginDescription], str]:
    """Return (descriptions, "") or ([], why it failed)."""
    if not names:
        return [], ""
    command = [sys.executable, "-m", "palmette_plugins.api.catalogue", service, *names]
    try:
        done = run(command, _TIMEOUT_S)
    except subprocess.TimeoutExpired:
        return [], f"TimeoutError: its import took longer than {_TIMEOUT_S:.0f} s"
    if done.returncode != 0:
        tail = done.stderr.decode(errors="replace").strip()[-2000:]
        return [], f"its import ended the process (exit code {done.returncode})\n{tail}"
    # Imports may print: the catalogue is the last line.
    return [PluginDescription.model_validate(item) for item in orjson.loads(done.stdout.splitlines()[-1])], ""


def describe(point: EntryPoint) -> PluginDescription:
    """Import one plugin and describe it; a failing import gives a BROKEN description."""
    from palmette_plugins.api.method import Method, description, input_declarations, output_declarations, summary

    try:
        method = point.load()
        if not (isinstance(method, type) and issubclass(method, Method)):
            raise TypeError(f"{point.value} is not a subclass of palmette_plugins.api.Method")
        return PluginDescription(
            name=point.name,
            distribution=_distribution(point),
            version=point.dist.version if point.dist else "",
            kind=method.kind.value,
            summary=summary(method),
            description=description(method),
            paper=vars(method.paper) if method.paper else None,
            config_schema=with_property_order(method.Config.model_json_schema()),
            inputs=tuple(
                InputDescription(**{**vars(item), "type": _TYPES[item.marker.__name__]})
                for item in input_declarations(method)
            ),
            outputs=tuple(
                OutputDescription(**{**vars(item), "kind": item.kind.value}) for item in output_declarations(method)
            ),
            tasks=tuple(sorted(method.tasks)),
        )
    except Exception as error:  # noqa: BLE001 - foreign code: whatever it raises is the finding
        return _broken(point, f"{type(error).__name__}: {error}\n{traceback.format_exc()}")


_TYPES = {"ModelRef": "model", "DatasetRef": "dataset", "ArtifactRef": "artifact"}


def with_property_order(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a JSON Schema whose objects list their properties in order as ``propertyOrder``.

    The order of declaration is the order in which people should read settings, and a protobuf Struct loses it.
    """
    inside = {key: _ordered(key, value) for key, value in schema.items()}
    properties = schema.get("properties")
    return {**inside, "propertyOrder": list(properties)} if isinstance(properties, dict) else inside


_BY_NAME = ("properties", "$defs")  # their keys are names, not words of JSON Schema
_VALUES = ("default", "const", "enum", "examples")


def _ordered(key: str, value: Any) -> Any:
    if key in _VALUES:
        return value
    if key in _BY_NAME:
        return {name: with_property_order(schema) for name, schema in value.items()}
    if isinstance(value, list):
        return [with_property_order(item) if isinstance(item, dict) else item for item in value]
    return with_property_order(value) if isinstance(value, dict) else value


def _broken(point: EntryPoint, error: str) -> PluginDescription:
    version = point.dist.version if point.dist else ""
    return PluginDescription(name=point.name, distribution=_distribution(point), version=version, error=error)


def _distribution(point: EntryPoint) -> str:
    return point.dist.name if point.dist else ""


def _key(points: dict[str, EntryPoint]) -> str:
    digest = hashlib.sha256(sys.version.encode())
    for point in points.values():
        digest.update(f"{point.name}={point.value}|{_distribution(point)}".encode())
        digest.update((point.dist.version if point.dist else "").encode())
    for path in _editable_sources(points):
        digest.update(f"{path}:{path.stat().st_mtime_ns}".encode())
    return digest.hexdigest()[:16]


def _editable_sources(points: dict[str, EntryPoint]) -> Iterator[Path]:
    """Yield the sources of distributions installed with ``pip install -e``, whose version does not change with them."""
    folders = set()
    for point in points.values():
        origin = point.dist.read_text("direct_url.json") if point.dist else None
        parsed = orjson.loads(origin) if origin else {}
        if parsed.get("dir_info", {}).get("editable"):
            folders.add(Path(parsed["url"].removeprefix("file://")))
    for folder in sorted(folders):
        yield from sorted(folder.rglob("*.py"))


def _main(arguments: list[str]) -> None:
    service, *names = arguments
    points = installed(methods_group(service))
    described = [describe(points[name]).model_dump() for name in names]
    sys.stdout.buffer.write(b"\n" + orjson.dumps(described) + b"\n")


if __name__ == "__main__":
    _main(sys.argv[1:])
