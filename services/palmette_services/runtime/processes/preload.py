"""Imported in the forkserver alone, so that every process forked from it starts with these modules.

A module that cannot be imported is left out: whoever needs it imports it later and gets the error where it
can be told to a user.
"""

from __future__ import annotations

import faulthandler
import importlib
import logging
import os

from palmette_services.runtime.processes.forkserver import MODULES_VARIABLE, NICE_VARIABLE, PATIENCE_VARIABLE


def load_modules(names: str) -> None:
    """Import the modules named in `names`, separated by commas."""
    for name in filter(None, (name.strip() for name in names.split(","))):
        try:
            importlib.import_module(name)
        except Exception as error:  # noqa: BLE001 - process border: the forkserver must live
            logging.getLogger(__name__).warning("not preloaded: %s (%s: %s)", name, type(error).__name__, error)


os.nice(int(os.environ.pop(NICE_VARIABLE, "0")))
# Long before an import that hangs is ended, the service's log gets to know where it hangs.
faulthandler.dump_traceback_later(0.5 * float(os.environ.pop(PATIENCE_VARIABLE, "120")), file=2)
load_modules(os.environ.pop(MODULES_VARIABLE, ""))
faulthandler.cancel_dump_traceback_later()
