"""Imported in the forkserver alone, so that every process forked from it starts with these modules.

A module that cannot be imported is left out: whoever needs it imports it later and gets the error where it
can be told to a user.
"""

from __future__ import annotations

import importlib
import logging
import os

from palmette_services.runtime.processes.forkserver import MODULES_VARIABLE


def load_modules(names: str) -> None:
    """Import the modules named in `names`, separated by commas."""
    for name in filter(None, (name.strip() for name in names.split(","))):
        try:
            importlib.import_module(name)
        except Exception as error:  # noqa: BLE001 - process border: the forkserver must live
            logging.getLogger(__name__).warning("not preloaded: %s (%s: %s)", name, type(error).__name__, error)


load_modules(os.environ.pop(MODULES_VARIABLE, ""))
