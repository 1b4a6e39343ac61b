"""From a model spec to a module: build the architecture, replay the edits."""

from __future__ import annotations

from torch import nn

from palmette_plugins.api.edits import apply_edit
from palmette_plugins.api.references import Reference
from palmette_plugins.api.resolve import architecture_provider
from palmette_plugins.api.spec import ModelSpec


def build(spec: ModelSpec) -> nn.Module:
    """Return the module of a spec, initialised by torch's current random state and device context.

    Raises:
        PalmetteError: The architecture or an edit is unknown, or does not apply.
    """
    reference = Reference.parse(spec.architecture, "spec.architecture")
    provider = architecture_provider(reference)
    if spec.parts:
        module = provider.compose(reference, [build(spec.parts[name]) for name in part_names(spec)])
    else:
        module = provider.build(reference)
    for edit in spec.edits:
        module = apply_edit(module, edit)
    return module


def part_names(spec: ModelSpec) -> list[str]:
    """Return the names of the parts in order: numbers by value (JSON sorts "10" before "2"), then other names."""
    return sorted(spec.parts, key=lambda name: (not name.isdecimal(), int(name) if name.isdecimal() else 0, name))
