"""Plugins by entry point: found without importing, and clear when they fail to import."""

import sys

import pytest

from palmette_plugins.api import FailedPrecondition, NotFound
from palmette_plugins.api.entry_points import EDITS, installed, load, methods_group, operations_group


def test_the_suites_own_plugins_are_installed():
    assert {"drop_blocks", "mask"} <= set(installed(EDITS))
    assert {"random-pruning", "layer-lottery", "mixture-growth"} <= set(installed(methods_group("pruning_growth")))
    assert "inspect-model" in installed(operations_group("pruning_growth"))


def test_listing_imports_nothing(install):
    install("bomb", "raise RuntimeError('imported')", palmette__edits={"explode": "bomb:explode"})

    assert "explode" in installed(EDITS)
    assert "bomb" not in sys.modules


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("raise RuntimeError('no such device')", "edit 'explode' fails to import: RuntimeError: no such device"),
        ("import missing_library", "ModuleNotFoundError: No module named 'missing_library'"),
        ("", "AttributeError"),
        ("def (", "SyntaxError"),
    ],
)
def test_a_plugin_that_fails_to_import_is_named_with_the_cause(install, source, said):
    install("bomb", source, palmette__edits={"explode": "bomb:explode"})

    with pytest.raises(FailedPrecondition, match=said):
        load(EDITS, "explode", "edit")


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(NotFound, match="no edit named 'drop_block'; did you mean 'drop_blocks'"):
        load(EDITS, "drop_block", "edit")
    with pytest.raises(NotFound, match="none is installed"):
        load("palmette.nothing", "x", "thing")
