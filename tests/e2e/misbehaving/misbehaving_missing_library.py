"""A plugin whose library is not installed."""

import a_library_that_nobody_has  # noqa: F401 - it must fail

from palmette_plugins.api import Method


class MissingLibrary(Method):
    """Never reached."""
