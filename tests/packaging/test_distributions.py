"""What the five distributions promise as packages."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from importlib.metadata import distribution
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = {
    "protos": "palmette-protos",
    "sdk": "palmette",
    "plugins": "palmette-plugins",
    "services": "palmette-services",
    "gateway": "palmette-gateway",
}


def project(folder: str) -> dict:
    return tomllib.loads((ROOT / folder / "pyproject.toml").read_text())["project"]


def test_all_distributions_carry_one_version():
    assert len({project(folder)["version"] for folder in FOLDERS}) == 1


@pytest.mark.parametrize(("folder", "name"), FOLDERS.items())
def test_installed_version_is_the_checkout_s(folder, name):
    assert distribution(name).version == project(folder)["version"]


@pytest.mark.parametrize("folder", FOLDERS)
def test_package_is_marked_as_typed(folder):
    package = FOLDERS[folder].replace("-", "_")
    assert (ROOT / folder / package / "py.typed").exists()


@pytest.mark.parametrize("module", ["palmette", "palmette_plugins.api", "palmette_services", "palmette_gateway"])
def test_import_does_not_load_torch(module):
    code = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_constraints_hold_only_exact_versions():
    for name in ("constraints.txt", "constraints-triton.txt"):
        pins = [line for line in (ROOT / name).read_text().splitlines() if line and not line.startswith("#")]
        assert [pin for pin in pins if "==" not in pin or "@" in pin or "/" in pin] == []


def test_triton_environment_keeps_numpy_below_two():
    pins = dict(line.split("==") for line in (ROOT / "constraints-triton.txt").read_text().splitlines() if "==" in line)
    assert pins["numpy"].startswith("1.")
