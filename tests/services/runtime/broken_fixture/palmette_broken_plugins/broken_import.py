"""Fails to import."""

import a_module_that_nobody_installed  # noqa: F401
