"""``hf:<folder>``: a checkpoint folder as transformers saves them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Literal

from pydantic import Field
from safetensors import SafetensorError
from torch import nn

from palmette_plugins.api.architecture import ArchitectureProvider
from palmette_plugins.api.data import DataInfo
from palmette_plugins.api.errors import InvalidArgument
from palmette_plugins.api.local_paths import local_path
from palmette_plugins.api.reference_parameters import ReferenceParameters, as_text, parse_parameters
from palmette_plugins.api.references import Reference
from palmette_plugins.api.spec import ModelIO
from palmette_plugins.architectures.hf_kinds import HFKind, read_config
from palmette_plugins.architectures.hf_selection import kind_of
from palmette_plugins.architectures.hub_weights import cached_folder
from palmette_plugins.architectures.packaged_weights import PACKAGED, packaged_folder
from palmette_plugins.architectures.sentence_settings import sentence_settings

_HUB_NAME = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?")


class HFParameters(ReferenceParameters):
    """Parameters of a checkpoint. `config` (JSON) stands for the folder once weights are kept elsewhere."""

    num_classes: int | None = Field(None, ge=1, le=1_000_000, description="classes; other than learned: a new head")
    config: str | None = None
    encoder: Literal["dense", "splade", "unicoil", "cross"] | None = Field(
        None, description="text encoders: one vector, words, or a pair's score"
    )
    pooling: Literal["mean", "cls", "max"] | None = Field(None, description="dense encoders: from states to one vector")
    normalize: bool | None = Field(None, description="dense encoders: vectors of length 1, so that scores are cosines")
    max_tokens: int | None = Field(None, ge=2, description="text encoders: tokens that are read of a text")
    query_prefix: str | None = Field(None, description="text encoders: what every query begins with")
    passage_prefix: str | None = Field(None, description="text encoders: what every passage begins with")

    @classmethod
    def of_encoders(cls) -> tuple[str, ...]:
        """Return the names of the parameters that only text encoders have."""
        return ("encoder", "pooling", "normalize", "max_tokens", "query_prefix", "passage_prefix")


class HuggingFace(ArchitectureProvider):
    """Causal language models, image classifiers and text encoders. Only a local folder is read, no code in it is run.

    ``hf:name`` is the folder that ``hf download name`` has left in the hub's cache; ``hf:minilm`` comes as a package.
    """

    summary = "a local transformers checkpoint, such as hf:/models/my-gpt"

    def names(self) -> list[str]:
        """Return the checkpoints that come as packages; any folder will do."""
        return sorted(PACKAGED)

    def tasks(self, reference: Reference) -> frozenset[str]:
        """Return the task of the checkpoint's architecture."""
        return frozenset({_Checkpoint(reference).kind.task})

    def complete(self, reference: Reference, data: DataInfo | None) -> Reference:
        """Return the reference with what it leaves out; refuse a checkpoint that does not fit the data."""
        checkpoint = _Checkpoint(reference)
        parameters, config, kind = checkpoint.parameters, checkpoint.config, checkpoint.kind
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
        checkpoint = _Checkpoint(reference)
        kind, parameters = checkpoint.kind, checkpoint.parameters
        config = kind.prepared(checkpoint.config, parameters.num_classes)
        if checkpoint.folder is None:
            return kind.wrap(kind.factory().from_config(config), parameters)
        import torch
        from transformers.utils import logging

        logging.disable_progress_bar()  # a job reports its own
        try:
            model = kind.factory().from_pretrained(
                checkpoint.folder,
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
        return kind.wrap(model, parameters, checkpoint.folder)

    def pretrained(self, reference: Reference) -> bool:
        """Tell whether there is a folder with weights."""
        return "config" not in reference.parameters

    def structure(self, reference: Reference) -> Reference:
        """Return a reference that holds the configuration itself, so that the folder may go."""
        checkpoint = _Checkpoint(reference)
        config = checkpoint.kind.prepared(checkpoint.config, checkpoint.parameters.num_classes)
        described = json.dumps(config.to_diff_dict(), sort_keys=True)
        shape = checkpoint.kind.structural(checkpoint.parameters)
        return Reference(reference.scheme, config.model_type, {"config": described, **shape})

    def io(self, reference: Reference) -> ModelIO | None:
        """Return the signature of a text encoder."""
        checkpoint = _Checkpoint(reference)
        return checkpoint.kind.io(checkpoint.config)

    def assets(self, reference: Reference) -> dict[str, bytes]:
        """Return the tokenizer of a text encoder."""
        checkpoint = _Checkpoint(reference)
        if checkpoint.folder is None:
            return {}
        return checkpoint.kind.assets(checkpoint.parameters, checkpoint.config, checkpoint.folder, reference)

    def input_shape(self, reference: Reference) -> tuple[int, ...] | None:
        """Return the image size, or up to 128 tokens."""
        checkpoint = _Checkpoint(reference)
        return checkpoint.kind.input_shape(checkpoint.config)


class _Checkpoint:
    """A reference, read: its folder (None where the reference holds the configuration), kind and parameters."""

    def __init__(self, reference: Reference) -> None:
        given = parse_parameters(HFParameters, reference)
        self.folder = None if given.config is not None else _folder(reference)
        self.config: Any = read_config(given.config if self.folder is None else self.folder, reference)
        stored = sentence_settings(self.folder) if self.folder is not None else {}
        self.kind: HFKind = kind_of(self.config, reference, given.encoder or stored.get("encoder"))
        self.parameters: HFParameters = self.kind.settled(given, stored, self.config, reference)


def _folder(reference: Reference) -> Path:
    folder = packaged_folder(reference.target) or local_path(reference.target)
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
