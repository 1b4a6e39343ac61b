"""Fail if the .proto files break clients of the contracts as they are on main.

Compares with the last commit on main; on main itself, with nothing changed since, with the commit before it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from io import BytesIO
from pathlib import Path

from generate import HERE, INCLUDES, copy_includes

MAIN = ("main", "origin/main")
SOURCES = "protos/proto"


def main() -> int:
    base = base_commit()
    if base is None:
        print("No earlier commit on main to compare with: breaking-change check skipped.")
        return 0
    if not git("ls-tree", base, "--", SOURCES):
        print(f"{base[:12]} holds no .proto files: breaking-change check skipped.")
        return 0
    copy_includes()
    with tempfile.TemporaryDirectory() as scratch:
        with tarfile.open(fileobj=BytesIO(git("archive", base, "--", SOURCES))) as archive:
            archive.extractall(scratch)
        before = Path(scratch) / "protos"
        shutil.copytree(INCLUDES, before / INCLUDES.relative_to(HERE))
        shutil.copy(HERE / "buf.yaml", before)
        buf = Path(sysconfig.get_path("scripts")) / "buf"
        return subprocess.run([buf, "breaking", "--against", str(before)], cwd=HERE).returncode


def base_commit() -> str | None:
    for branch in MAIN:
        tip = resolve(branch)
        if tip is None:
            continue
        changed = git("status", "--porcelain", "--", SOURCES)
        return resolve(f"{branch}~1") if tip == resolve("HEAD") and not changed else tip
    return None


def resolve(revision: str) -> str | None:
    found = run_git("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    return None if found.returncode else found.stdout.decode().strip()


def git(*arguments: str) -> bytes:
    found = run_git(*arguments)
    if found.returncode:
        sys.exit(f"git {' '.join(arguments)}: {found.stderr.decode().strip()}")
    return found.stdout


def run_git(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["git", *arguments], cwd=HERE.parent, capture_output=True)


if __name__ == "__main__":
    sys.exit(main())
