"""Stores, packages that come and go, and disks that are too small."""

import ctypes
import os
import sys
import traceback

import pytest

from palmette_plugins.api import entry_points
from palmette_plugins.api.artifacts import ArtifactStore

_CLONE_NEWNS, _CLONE_NEWUSER = 0x00020000, 0x10000000


@pytest.fixture
def store(tmp_path):
    return ArtifactStore(str(tmp_path / "artifacts"))


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Return a function that installs a one-module package with entry points, for this process and its children."""
    site = tmp_path / "site-packages"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("PYTHONPATH", str(site))

    def write(module, source, version="1.0", **groups):
        (site / f"{module}.py").write_text(source)
        info = site / f"{module}-{version}.dist-info"
        for old in site.glob(f"{module}-*.dist-info"):
            old.rename(info)
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: {version}\n")
        lines = [
            line
            for group, points in groups.items()
            for line in (f"[{group.replace('__', '.')}]", *(f"{name} = {value}" for name, value in points.items()))
        ]
        (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
        sys.modules.pop(module, None)
        entry_points.load.cache_clear()

    yield write
    entry_points.load.cache_clear()


@pytest.fixture
def on_small_disk(tmp_path):
    """Return a function that runs another with the path of an empty disk of so many bytes, in a child process.

    The disk is a tmpfs in a mount namespace of the child's own, so it is gone with the child, and nobody needs to be
    root. What the function raises fails the test.
    """
    disk = tmp_path / "disk"
    disk.mkdir()

    def run(function, size_bytes):
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            code = 1
            try:
                os.close(reader)
                _mount(disk, size_bytes)
                function(disk)
                code = 0
            except BaseException:  # noqa: BLE001 - handed to the parent, which raises it
                os.write(writer, traceback.format_exc().encode()[-60_000:])
            finally:
                os._exit(code)
        os.close(writer)
        with os.fdopen(reader, "rb") as stream:
            said = stream.read().decode()
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0, said

    return run


def _mount(folder, size_bytes):
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.getuid(), os.getgid()
    flags = _CLONE_NEWNS if user == 0 else _CLONE_NEWNS | _CLONE_NEWUSER
    _check(libc.unshare(flags))
    if user != 0:
        for name, content in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
            with open(f"/proc/self/{name}", "w") as stream:  # noqa: PTH123 - a kernel file
                stream.write(content)
    make_private = (1 << 18) | (1 << 14)  # MS_PRIVATE | MS_REC: the mount stays in this namespace
    _check(libc.mount(b"none", b"/", None, make_private, None))
    _check(libc.mount(b"tmpfs", str(folder).encode(), b"tmpfs", 0, f"size={size_bytes}".encode()))


def _check(result):
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
