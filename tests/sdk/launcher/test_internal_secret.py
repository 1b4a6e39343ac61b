"""The secret of a suite: made for each run, for the user's eyes only, given to all who need it."""

from __future__ import annotations

import stat
from pathlib import Path

from palmette.home import Home
from palmette.launcher.installed import Installed
from palmette.launcher.internal_secret import internal_secret_file, metadata_with, renew_internal_secret
from palmette.launcher.plan import make_plan


def test_each_run_has_a_secret_of_its_own_that_only_the_user_can_read(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.auth.mkdir()
    file = internal_secret_file(home)

    renew_internal_secret(home)
    first = metadata_with(file)
    file.chmod(0o644)  # whatever became of the file before
    renew_internal_secret(home)

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert metadata_with(file) != first
    assert [len(value) for _, value in metadata_with(file)] == [64]
    assert [path.name for path in home.auth.iterdir()] == [file.name]


def test_every_process_is_told_where_it_is_whatever_the_environment_says(tmp_path: Path) -> None:
    installed = Installed(("pruning_growth", "nas"), gateway=True, envoy=Path("/envoy"), triton_venv=None)

    plan = make_plan(Home(tmp_path), installed, 8080, {"PALMETTE_INTERNAL_SECRET_FILE": "/elsewhere"}, tmp_path)

    told = {process.name: process.environment["PALMETTE_INTERNAL_SECRET_FILE"] for process in plan.processes}
    assert set(told) == {"pruning_growth", "nas", "gateway", "envoy"}
    assert set(told.values()) == {str(internal_secret_file(Home(tmp_path)))}
