"""Which parts of a suite are installed here. Parts are looked for by name and never imported."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

# Every service of the suite: it runs as `python -m palmette_services.<name>`.
SERVICES = ("nas", "pruning_growth", "data_filtering", "retrieval", "guided_training", "serving")
GATEWAY = "palmette_gateway"
TRITON = "palmette_services.serving.triton.local_server"
TRITON_SERVICE = "serving"


@dataclass(frozen=True)
class Installed:
    """What can be started.

    Attributes:
        services: Names of services.
        gateway: Whether the gateway's control plane is there.
        envoy: The envoy binary (or its launcher script), or None.
        triton_venv: The environment that holds Triton, or None.
    """

    services: tuple[str, ...]
    gateway: bool
    envoy: Path | None
    triton_venv: Path | None


def find_installed(triton_venv: Path | None = None) -> Installed:
    """Look for the suite's parts beside the Python that runs this."""
    services = tuple(name for name in SERVICES if _has_main("palmette_services", name))
    beside = Path(sys.executable).parent
    envoy = shutil.which("envoy", path=str(beside)) or shutil.which("envoy")
    venv = triton_venv or Path(sys.prefix).parent / ".venv-triton"
    return Installed(
        services=services,
        gateway=_has_main(GATEWAY),
        envoy=Path(envoy) if envoy else None,
        triton_venv=venv if (venv / "bin" / "python").exists() else None,
    )


def _has_main(package: str, *parts: str) -> bool:
    """Tell whether ``python -m package.parts`` would find something to run."""
    spec = find_spec(package)  # of a top-level package: found without running its code
    places = spec.submodule_search_locations if spec else None
    return any(Path(place, *parts, "__main__.py").exists() for place in places or ())
