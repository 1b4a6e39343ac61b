"""Asking code that needs torch, from a process that must not load it."""

from palmette_services.runtime.inspector.inspector import Inspector

__all__ = ["Inspector"]
