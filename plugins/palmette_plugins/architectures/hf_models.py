"""``hf:<folder>``: a checkpoint folder as transformers saves them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from pydantic import Field
from safetensors import SafetensorError
from torch import nn

from palmette_plugins.api.architecture import ArchitectureProvider
from palmette_plugins.api.data import DataInfo
from palmette_plugins.api.errors import InvalidArgument
from palmette_plugins.api.local_paths import local_path
from palmette_plugins.api.reference_parameters import ReferenceParameters, as_text, parse_parameters
from palmette_plugins.api.references import Reference
from palmette_plugins.architectures.hf_kinds import HFKind, kind_of, read_config
from palmette_plugins.architectures.hub_weights import cached_folder

_HUB_NAME = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?")


class HFParameters(ReferenceParameters):
    """Parameters of a checkpoint. `config` (JSON) stands for the folder once weights are kept elsewhere."""

    num_classes: int | None = Field(None, ge=1, le=1_000_000, description="classes; other than learned: a new head")
    config: str | None = None


class HuggingFace(ArchitectureProvider):
    """Causal language models and image classifiers. Only a local folder is read, and no code in it is run.

    ``hf:name`` is the folder that ``hf download name`` has left in the hub's cache.
    """

    summary = "a local transformers checkpoint, such as hf:/models/my-gpt"

    def names(self) -> list[str]:
        """Return nothing: any folder will do."""
        return []

    def tasks(self, reference: Reference) -> frozenset[str]:
        """Return the task of the checkpoint's architecture."""
        return frozenset({_kind(reference).task})

    def complete(self, reference: Reference, data: DataInfo | None) -> Reference:
        """Return the reference with the number of classes; refuse a checkpoint that does not fit the data."""
        parameters = parse_parameters(HFParameters, reference)
        config = _config(reference, parameters)
        kind = _kind(reference)
        if data is not None:
            kind.check(config, data, reference)
            if kind.has_classes and parameters.num_classes is None:
                parameters = parameters.model_copy(update={"num_classes": data.num_classes})
            if kind.has_classes and parameters.num_classes != data.num_classes:
                raise InvalidArgument.field(
                    "reference",
                    f"'{reference}' has num_classes={parameters.num_classes}, but the data has {data.num_classes}",
                )
        if kind.has_classes and parameters.num_classes is None:
            parameters = parameters.model_copy(update={"num_classes": config.num_labels})
        return Reference(reference.scheme, reference.target, as_text(parameters))

    def build(self, reference: Reference) -> nn.Module:
        """Return the checkpoint's model with its weights, or a new one from a `config`."""
        parameters = parse_parameters(HFParameters, reference)
        kind = _kind(reference)
        config = kind.prepared(_config(reference, parameters), parameters.num_classes)
        if parameters.config is not None:
            return kind.wrap(kind.factory().from_config(config))
        import torch
        from transformers.utils import logging

        logging.disable_progress_bar()  # a job reports its own
        try:
            model = kind.factory().from_pretrained(
                _folder(reference),
                config=config,
                local_files_only=True,
                ignore_mismatched_sizes=True,  # a head for other classes
                dtype=torch.float32,
            )
        except (OSError, ValueError, RuntimeError, SafetensorError) as error:
            first_line = (str(error).splitlines() or [type(error).__name__])[0]
            raise InvalidArgument.field(
                "reference", f"transformers cannot read the checkpoint {reference.target}: {first_line}"
            ) from error
        return kind.wrap(model)

    def pretrained(self, reference: Reference) -> bool:
        """Tell whether there is a folder with weights."""
        return "config" not in reference.parameters

    def structure(self, reference: Reference) -> Reference:
        """Return a reference that holds the configuration itself, so that the folder may go."""
        parameters = parse_parameters(HFParameters, reference)
        config = _kind(reference).prepared(_config(reference, parameters), parameters.num_classes)
        described = json.dumps(config.to_diff_dict(), sort_keys=True)
        return Reference(reference.scheme, config.model_type, {"config": described})

    def input_shape(self, reference: Reference) -> tuple[int, ...] | None:
        """Return the image size, or up to 128 tokens."""
        parameters = parse_parameters(HFParameters, reference)
        return _kind(reference).input_shape(_config(reference, parameters))


def _kind(reference: Reference) -> HFKind:
    return kind_of(_config(reference, parse_parameters(HFParameters, reference)), reference)


def _config(reference: Reference, parameters: HFParameters) -> Any:
    if parameters.config is not None:
        return read_config(parameters.config, reference)
    return read_config(_folder(reference), reference)


def _folder(reference: Reference) -> Path:
    folder = local_path(reference.target)
    if reference.target and (folder / "config.json").is_file():
        return folder
    if _HUB_NAME.fullmatch(reference.target) and not folder.exists():
        cached = cached_folder(reference.target)
        if cached is not None and (cached / "config.json").is_file():
            return cached
        raise InvalidArgument.field(
            "reference",
            f"'{reference.target}' is neither a folder nor in the cache of the hub, and hf: downloads nothing; where "
            f"there is internet run 'hf download {reference.target}' (the cache is in HF_HOME), or add "
            "'--local-dir FOLDER', bring the folder here and write hf:/path/to/FOLDER",
        )
    what = "does not exist" if not folder.exists() else "has no config.json"
    raise InvalidArgument.field(
        "reference",
        f"the folder '{reference.target}' {what}; hf: needs a folder written by save_pretrained "
        "(config.json and model.safetensors)",
    )
