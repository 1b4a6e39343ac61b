"""Inputs of a job in the order in which people name them."""

from __future__ import annotations

from collections.abc import Mapping


def ordered_inputs(inputs: Mapping[str, tuple[str, ...]]) -> list[tuple[str, tuple[str, ...]]]:
    """Return inputs by name with the data last: the wire gives them in no order."""
    return sorted(inputs.items(), key=lambda item: (item[0].startswith("data"), item[0]))
