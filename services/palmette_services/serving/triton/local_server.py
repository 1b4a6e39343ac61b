"""The local Triton: the real ``tritonserver`` of the PyPI package nvidia-pytriton, run from a venv of its own.

``python -m palmette_services.serving.triton.local_server --venv ... --repository ... --socket ... --metrics-port ...``
prepares everything and then *becomes* tritonserver (exec), so whoever started it supervises the real process.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from palmette_plugins.api.errors import FailedPrecondition
from palmette_services.serving.triton.private_socket import PrivateSocket

_CANNOT_START = 127  # what the loader exits with; a stub that starts says that its arguments are missing
_ASK_PYTHON = """
import json, sys, sysconfig
print(json.dumps({
    "version": "%d.%d" % sys.version_info[:2],
    "purelib": sysconfig.get_path("purelib"),
    "libdir": sysconfig.get_config_var("LIBDIR") or "",
    "libpython": sysconfig.get_config_var("INSTSONAME") or "",
}))
"""


@dataclass(frozen=True)
class TritonInstallation:
    """What a venv with nvidia-pytriton holds.

    Attributes:
        venv: The venv; its packages are what models of the Python backend import.
        server: The ``tritonserver`` binary.
        libraries: Shared libraries that the binaries need.
        python_backend: Folder with ``libtriton_python.so`` and ``triton_python_backend_utils.py``.
        stub: The process that runs a Python model, built for this venv's Python version.
        python_library_dir: Where that version's libpython is, or None where the loader finds it by itself.
    """

    venv: Path
    server: Path
    libraries: Path
    python_backend: Path
    stub: Path
    python_library_dir: Path | None

    @classmethod
    def find(cls, venv: Path) -> TritonInstallation:
        """Look into `venv`; raise `FailedPrecondition` that says what is missing and how to get it."""
        python = venv / "bin" / "python"
        if not python.exists():
            raise FailedPrecondition(f"there is no Python environment at {venv}; `make setup` makes it")
        asked = subprocess.run([python, "-I", "-c", _ASK_PYTHON], capture_output=True, text=True, check=False)
        if asked.returncode != 0:
            raise FailedPrecondition(f"the Python at {venv} does not run: {asked.stderr.strip()}")
        known = json.loads(asked.stdout)
        packages = Path(known["purelib"])
        root = packages / "pytriton" / "tritonserver"
        found = cls(
            venv=venv,
            server=root / "bin" / "tritonserver",
            libraries=packages / "nvidia_pytriton.libs",
            python_backend=root / "backends" / "python",
            stub=root / "python_backend_stubs" / known["version"] / "triton_python_backend_stub",
            python_library_dir=_python_library_dir(known["libdir"], known["libpython"]),
        )
        if not found.server.exists():
            raise FailedPrecondition(f"nvidia-pytriton is not installed in {venv}; `make setup` installs it")
        if not found.stub.exists():
            raise FailedPrecondition(
                f"this nvidia-pytriton runs no models under Python {known['version']}; make {venv} with Python 3.11"
            )
        return found

    def environment(self, base: Mapping[str, str]) -> dict[str, str]:
        """Return the environment of the server process, made from `base`."""
        environment = {key: value for key, value in base.items() if key not in ("PYTHONHOME", "PYTHONPATH")}
        libraries = [self.python_library_dir, self.libraries, environment.get("LD_LIBRARY_PATH")]
        environment["LD_LIBRARY_PATH"] = ":".join(str(item) for item in libraries if item)
        # The stub embeds Python, which finds its packages from the first `python3` on the path.
        environment["PATH"] = f"{self.venv / 'bin'}:{environment.get('PATH', os.defpath)}"
        environment["VIRTUAL_ENV"] = str(self.venv)
        environment["PYTHONNOUSERSITE"] = "1"
        return environment

    def check_stub(self, base: Mapping[str, str]) -> None:
        """Raise `FailedPrecondition` if the stub's shared libraries are missing; no model would load then."""
        started = subprocess.run([self.stub], env=self.environment(base), capture_output=True, text=True, check=False)
        if started.returncode == _CANNOT_START:
            raise FailedPrecondition(
                f"the process that runs Python models does not start ({started.stderr.strip()}); install the missing "
                "library, such as libpython3.11; `make setup` does"
            )

    def prepare_backends(self, folder: Path) -> None:
        """Fill `folder` with the backend directory that ``--backend-directory`` wants."""
        target = folder / "python"
        target.mkdir(parents=True, exist_ok=True)
        for source in (
            self.python_backend / "libtriton_python.so",
            self.python_backend / "triton_python_backend_utils.py",
            self.stub,
        ):
            temporary = target / f".{source.name}.{os.getpid()}"
            shutil.copy2(source, temporary)
            temporary.replace(target / source.name)  # a server that runs from the old file keeps it


@dataclass(frozen=True)
class LocalServer:
    """One local tritonserver.

    Attributes:
        installation: Where its binaries are.
        repository: Model repository; made if it is not there.
        socket: Where it speaks the Open Inference Protocol over gRPC; it speaks it nowhere else.
        metrics_port: Port of Prometheus metrics, on loopback; nothing else can be asked there.
        backends: Folder to put the backend directory into.
    """

    installation: TritonInstallation
    repository: Path
    socket: PrivateSocket
    metrics_port: int
    backends: Path

    @property
    def shared_memory_prefix(self) -> str:
        """What the names of this server's shared-memory regions start with: the same after a restart."""
        return f"palmette-triton-{hashlib.sha256(str(self.repository).encode()).hexdigest()[:12]}-"

    def prepare(self) -> None:
        """Make folders, copy the backend, remove shared memory that a killed predecessor left."""
        self.installation.check_stub(os.environ)
        self.socket.make_folder()
        self.repository.mkdir(parents=True, exist_ok=True)
        self.installation.prepare_backends(self.backends)
        for region in Path("/dev/shm").glob(f"{self.shared_memory_prefix}*"):
            region.unlink(missing_ok=True)

    def command(self) -> list[str]:
        """Return the argument vector."""
        return [
            str(self.installation.server),
            "--id=palmette",
            f"--model-repository={self.repository}",
            # Explicit: the serving service says what is loaded, and does so again after a restart.
            "--model-control-mode=explicit",
            "--strict-readiness=false",
            # Configurations are written whole; completing them would start every Python model twice.
            "--disable-auto-complete-config",
            f"--backend-directory={self.backends}",
            f"--backend-config=python,shm-region-prefix-name={self.shared_memory_prefix}",
            *self.socket.arguments,
            "--allow-http=false",  # which could only listen on a port, and loads models too
            "--metrics-address=127.0.0.1",
            f"--metrics-port={self.metrics_port}",
            # Quantiles of request times over a sliding minute; counters alone cannot give them.
            "--metrics-config=summary_latencies=true",
            "--exit-timeout-secs=10",
            "--log-format=ISO8601",
        ]

    def become(self) -> None:
        """Prepare, then replace this process by tritonserver."""
        self.prepare()
        os.execve(self.installation.server, self.command(), self.installation.environment(os.environ))


def _python_library_dir(folder: str, library: str) -> Path | None:
    """Return the folder of the venv's own libpython, which the stub must use rather than another of that version."""
    return Path(folder) if library.startswith("libpython") and (Path(folder) / library).is_file() else None


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and become tritonserver."""
    parser = argparse.ArgumentParser(prog="palmette_services.serving.triton.local_server", description=__doc__)
    parser.add_argument("--venv", type=Path, required=True, help="venv with nvidia-pytriton and onnxruntime")
    parser.add_argument("--repository", type=Path, required=True, help="model repository")
    parser.add_argument("--socket", type=Path, required=True, help="where it listens: FOLDER/NAME:NUMBER")
    parser.add_argument("--metrics-port", type=int, required=True, help="port of its figures, on loopback")
    parser.add_argument("--backends", type=Path, help="where to put the backend directory; beside the repository")
    given = parser.parse_args(arguments)
    repository = given.repository.absolute()
    try:
        LocalServer(
            installation=TritonInstallation.find(given.venv.absolute()),
            repository=repository,
            socket=PrivateSocket(given.socket.absolute()),
            metrics_port=given.metrics_port,
            backends=(given.backends or repository.parent / "backends").absolute(),
        ).become()
    except FailedPrecondition as error:
        sys.exit(f"triton: {error}")


if __name__ == "__main__":
    main()
