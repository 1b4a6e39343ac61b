"""Where the sockets of a suite are: a folder for its user alone, whose path a socket can have."""

from __future__ import annotations

import os
import socket
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from palmette.errors import FailedPrecondition
from palmette.home import Home
from palmette.launcher.socket_folder import MAX_NAME_BYTES, MAX_PATH_BYTES, socket_folder


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A short folder, which is also the place for temporary files."""
    with tempfile.TemporaryDirectory(prefix="palmette-test-") as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield Path(folder)


def _deep(folder: Path) -> Home:
    home = Home(folder / ("d" * 60) / ("e" * 60))
    home.root.mkdir(parents=True)
    return home


def _mode(folder: Path) -> int:
    return stat.S_IMODE(folder.stat().st_mode)


def test_it_is_in_the_home_and_for_the_user_alone_whatever_it_was_before(short: Path) -> None:
    home = Home(short / "home")
    home.sockets.mkdir(parents=True)
    home.sockets.chmod(0o777)

    with socket_folder(home) as folder:
        assert folder == home.sockets
        assert _mode(folder) == 0o700

    assert home.sockets.is_dir()


def test_a_home_too_deep_for_sockets_gets_a_short_private_folder_while_it_runs(short: Path) -> None:
    home = _deep(short)

    with socket_folder(home) as folder:
        assert folder.parent == short
        assert _mode(folder) == 0o700
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(folder / ("s" * MAX_NAME_BYTES)))

    assert not folder.exists()
    assert list(home.run.iterdir()) == []


@pytest.mark.parametrize("name", ["my home", "100%", "a#b", "ö"])
def test_a_name_that_an_address_would_not_bear_counts_as_too_long(short: Path, name: str) -> None:
    with socket_folder(Home(short / name)) as folder:
        assert folder.parent == short
        assert folder.name.startswith("palmette-")


def test_the_longest_folder_in_a_home_can_hold_the_longest_name(short: Path) -> None:
    room = MAX_PATH_BYTES - MAX_NAME_BYTES - 1 - len(str(Home(short / "x").sockets)) + 1
    fits, too_long = Home(short / ("h" * room)), Home(short / ("h" * (room + 1)))

    with socket_folder(fits) as folder, socket.socket(socket.AF_UNIX) as listening:
        assert folder == fits.sockets
        listening.bind(str(folder / ("s" * MAX_NAME_BYTES)))
    with socket_folder(too_long) as folder:
        assert folder != too_long.sockets


def test_what_a_killed_launcher_made_is_used_again(short: Path) -> None:
    home = _deep(short)
    left = short / "palmette-left"
    left.mkdir(mode=0o700)
    home.run.mkdir()
    (home.run / "socket-folder").write_text(f"{left}\n")

    with socket_folder(home) as folder:
        assert folder == left


@pytest.mark.parametrize("change", ["gone", "open", "a link", "somebody else's"])
def test_what_is_not_private_any_more_is_not_used_again(
    short: Path, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = _deep(short)
    left = short / "palmette-left"
    home.run.mkdir()
    (home.run / "socket-folder").write_text(f"{left}\n")
    if change == "a link":
        left.symlink_to(home.run)
    elif change != "gone":
        left.mkdir(mode=0o700)
    if change == "open":
        left.chmod(0o755)
    if change == "somebody else's":
        me = os.geteuid()
        monkeypatch.setattr(os, "geteuid", lambda: me + 1)

    with socket_folder(home) as folder:
        assert folder not in (left, home.run)
        assert _mode(folder) == 0o700


def test_two_deep_homes_have_folders_of_their_own(short: Path) -> None:
    with socket_folder(_deep(short / "a")) as first, socket_folder(_deep(short / "b")) as second:
        assert first != second


def test_where_no_folder_will_do_it_is_said_what_to_set(short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = _deep(short)
    monkeypatch.setattr(tempfile, "tempdir", str(home.root))
    monkeypatch.setattr("palmette.launcher.socket_folder.SHORT_FOLDER", home.root / "none")

    with pytest.raises(FailedPrecondition, match="set PALMETTE_HOME or TMPDIR to a short path"), socket_folder(home):
        pass
