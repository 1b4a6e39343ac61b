"""Provenance: which distribution a method came from, found in no time."""

import time
from importlib.metadata import version

from palmette_plugins.api.entry_points import load, methods_group
from palmette_plugins.api.provenance import _distribution, environment, plugin_distribution, plugin_version


def test_a_method_is_traced_to_the_distribution_that_declares_it(install):
    source = "from palmette_plugins.api import Method\nclass Mine(Method): ..."
    install("my_methods", source, version="4.2", palmette__methods__trial={"mine": "my_methods:Mine"})
    _distribution.cache_clear()

    mine, own = load(methods_group("trial"), "mine"), load(methods_group("pruning_growth"), "random-pruning")

    assert (plugin_distribution(mine), plugin_version(mine)) == ("my_methods", "4.2")
    assert (plugin_distribution(own), plugin_version(own)) == ("palmette-plugins", version("palmette-plugins"))
    _distribution.cache_clear()


def test_it_does_not_read_the_file_lists_of_all_that_is_installed():
    own = load(methods_group("pruning_growth"), "random-pruning")
    _distribution.cache_clear()
    started_s = time.process_time()

    plugin_version(own)

    assert time.process_time() - started_s < 0.5


def test_the_environment_names_what_decides_a_result():
    assert environment()["torch"] == version("torch")
    assert "python" in environment()
