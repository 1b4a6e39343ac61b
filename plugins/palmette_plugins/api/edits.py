"""Edits: registered structural changes, replayed to rebuild a model from its spec.

An edit is a plain function ``edit(module, **arguments) -> module`` (entry-point group ``palmette.edits``): it
changes or replaces the module and returns it. It must be deterministic, must not train, and its arguments are
plain JSON. Weights are loaded after all edits were replayed, so an edit only has to make the right tensors
exist.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from palmette_plugins.api import entry_points
from palmette_plugins.api.spec import Edit

if TYPE_CHECKING:
    from torch import nn

EditFunction = Callable[..., "nn.Module"]


def apply_edit(module: nn.Module, edit: Edit) -> nn.Module:
    """Return the module after one edit; raise `NotFound` with the nearest names for an unknown one."""
    function = cast("EditFunction", entry_points.load(entry_points.EDITS, edit.name, "edit"))
    return function(module, **edit.arguments)
