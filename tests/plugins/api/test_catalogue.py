"""The catalogue: every plugin described, the broken ones too, and the reading process never hurt."""

import re
import subprocess
import sys

import pytest

from palmette_plugins.api import catalogue
from palmette_plugins.api.catalogue import read_catalogue

METHOD = '''
from typing import Annotated
from pydantic import Field
from palmette_plugins.api import (
    DatasetRef, Kind, Method, MethodConfig, Model, ModelRef, Paper, Table
)

print("importing makes noise")

class Good(Method):
    """Makes things good.

    It does so slowly.
    """
    kind = Kind.PRUNE
    paper = Paper("On Good", "Doe et al.", 2020)
    inputs = {
        "model": Annotated[ModelRef, "what to improve"],
        "teachers": list[ModelRef],
        "data": DatasetRef | None,
    }
    outputs = {"model": Model, "rows": list[Table]}
    tasks = frozenset({"classification"})

    class Config(MethodConfig):
        density: float = Field(0.1, gt=0, le=1, description="share kept")

    def run(self, job):
        pass

not_a_method = 3
'''
GROUP = "palmette__methods__trial"


def by_name(plugins):
    return {plugin.name: plugin for plugin in plugins}


def test_a_plugin_is_described_in_full(install):
    install("good_plugin", METHOD, version="2.3", **{GROUP: {"good": "good_plugin:Good"}})

    (plugin,) = read_catalogue("trial")

    assert (plugin.name, plugin.distribution, plugin.version, plugin.error) == ("good", "good_plugin", "2.3", "")
    assert (plugin.kind, plugin.summary, plugin.description) == ("prune", "Makes things good.", "It does so slowly.")
    assert plugin.paper == {"title": "On Good", "authors": "Doe et al.", "year": 2020, "url": ""}
    assert plugin.config_schema["properties"]["density"]["description"] == "share kept"
    assert [(i.name, i.type, i.repeated, i.optional, i.description) for i in plugin.inputs] == [
        ("model", "model", False, False, "what to improve"),
        ("teachers", "model", True, False, ""),
        ("data", "dataset", False, True, ""),
    ]
    assert [(o.name, o.kind, o.repeated) for o in plugin.outputs] == [
        ("model", "model", False),
        ("rows", "table", True),
    ]
    assert plugin.tasks == ("classification",)
    assert "good_plugin" not in sys.modules


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("raise ValueError('broken on purpose')", "ValueError: broken on purpose"),
        ("import a_library_that_is_missing", "ModuleNotFoundError"),
        ("Bad = 3", "is not a subclass of palmette_plugins.api.Method"),
        ("import os; os._exit(3)", r"its import ended the process \(exit code 3\)"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", r"its import ended the process \(exit code -9\)"),
        ("raise SystemExit('giving up')", "giving up"),
        (METHOD.replace('"model": Model,', '"model": int,').replace("Good", "Bad"), "must be an Output marker"),
        (METHOD.replace('"data": DatasetRef | None', '"data": str').replace("Good", "Bad"), "must be ModelRef"),
    ],
)
def test_only_the_broken_plugin_is_broken_and_says_why(install, source, said):
    install("good_plugin", METHOD, **{GROUP: {"good": "good_plugin:Good"}})
    install("bad_plugin", source, version="0.1", **{GROUP: {"bad": "bad_plugin:Bad"}})

    plugins = by_name(read_catalogue("trial"))

    assert set(plugins) == {"good", "bad"}
    assert plugins["good"].error == ""
    assert plugins["good"].summary == "Makes things good."
    assert (plugins["bad"].distribution, plugins["bad"].version) == ("bad_plugin", "0.1")
    assert plugins["bad"].kind == ""
    assert re.search(said, plugins["bad"].error)


def test_a_plugin_that_hangs_is_given_up_on(install, monkeypatch):
    install("bad_plugin", "import threading; threading.Event().wait()", **{GROUP: {"bad": "bad_plugin:Bad"}})
    monkeypatch.setattr(catalogue, "_TIMEOUT_S", 2.0)

    (plugin,) = read_catalogue("trial")

    assert "TimeoutError: its import took longer than 2 s" in plugin.error


def test_a_service_without_plugins_has_an_empty_catalogue():
    assert read_catalogue("nothing_here") == []


def test_it_is_read_once_for_each_version(install, tmp_path, monkeypatch):
    started = []
    run = subprocess.run
    monkeypatch.setattr(subprocess, "run", lambda *args, **kwargs: started.append(1) or run(*args, **kwargs))
    install("good_plugin", METHOD, **{GROUP: {"good": "good_plugin:Good"}})

    first, again = (read_catalogue("trial", tmp_path / "cache") for _ in range(2))
    assert first == again
    assert len(started) == 1

    install("good_plugin", METHOD, version="1.1", **{GROUP: {"good": "good_plugin:Good"}})
    (plugin,) = read_catalogue("trial", tmp_path / "cache")
    assert plugin.version == "1.1"
    assert len(started) == 2


def test_a_broken_plugin_is_looked_at_again(install, tmp_path):
    install("bad_plugin", "import good_library", **{GROUP: {"bad": "bad_plugin:Good"}})
    (plugin,) = read_catalogue("trial", tmp_path / "cache")
    assert "good_library" in plugin.error

    install("good_library", "")
    (tmp_path / "site-packages" / "bad_plugin.py").write_text("import good_library\n" + METHOD)
    (plugin,) = read_catalogue("trial", tmp_path / "cache")

    assert plugin.error == ""


def test_the_suites_own_methods_are_all_ready():
    plugins = [plugin for service in ("pruning_growth", "serving") for plugin in read_catalogue(service)]

    assert len(plugins) >= 6
    assert [plugin.name for plugin in plugins if plugin.error] == []
    assert all(plugin.summary and plugin.inputs and plugin.outputs for plugin in plugins)
