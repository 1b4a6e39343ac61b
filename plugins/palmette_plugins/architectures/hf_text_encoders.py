"""Text encoders among transformers' checkpoints: dense ones, and those of weights over the vocabulary."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import nn

from palmette_plugins.api.data import DataInfo
from palmette_plugins.api.errors import InvalidArgument
from palmette_plugins.api.references import Reference
from palmette_plugins.api.spec import ModelIO
from palmette_plugins.architectures.hf_kinds import HFKind
from palmette_plugins.architectures.text_encoders import (
    DenseEncoder,
    PairScorer,
    Pooling,
    SpladeEncoder,
    UnicoilEncoder,
)
from palmette_plugins.tasks.ranking import encoder_io, pair_io

TOKENIZER_FILE, SETTINGS_FILE = "tokenizer.json", "encoder.json"
"""Files that travel with an encoder: its tokenizer, and what its texts need (see `engines.retrieval.TextEncoder`)."""

_MOST_TOKENS = 512
_OFFSET_POSITIONS = frozenset({"roberta", "xlm-roberta", "camembert", "mpnet"})  # the first ones are for padding


class DenseTextEncoder(HFKind):
    """One vector for each text."""

    task = "ranking"
    has_classes = False
    encoder = "dense"
    learned = ("pooling", "normalize")  # parameters that shape the module

    def class_names(self) -> Mapping[str, str | Sequence[str]]:
        """Return the models that read text and answer with states."""
        from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES, MODEL_MAPPING_NAMES

        plain = {
            kind: names for kind, names in MODEL_MAPPING_NAMES.items() if kind in MODEL_FOR_MASKED_LM_MAPPING_NAMES
        }
        kinds = {**plain, **MODEL_FOR_MASKED_LM_MAPPING_NAMES}
        return {
            kind: tuple(
                name
                for part in (plain.get(kind, ()), kinds[kind])
                for name in ([part] if isinstance(part, str) else part)
            )
            for kind in kinds
        }

    def factory(self) -> Any:
        """Return the factory of models without a head."""
        from transformers import AutoModel

        return AutoModel

    def wrap(self, model: Any, parameters: Any, folder: Path | None = None) -> nn.Module:
        """Return a module from tokens and mask to embeddings."""
        return DenseEncoder(model, Pooling(parameters.pooling), bool(parameters.normalize))

    def check(self, config: Any, data: DataInfo, reference: Reference) -> None:
        """Texts come as text: any collection fits."""

    def input_shape(self, config: Any) -> tuple[int, ...] | None:
        """Return a text of as many tokens as are usual."""
        return (128,)

    def io(self, config: Any) -> ModelIO:
        """Return tokens and mask in, one vector out."""
        return encoder_io(config.hidden_size)

    def settled(self, parameters: Any, stored: Mapping[str, Any], config: Any, reference: Reference) -> Any:
        """Return the parameters with what the folder says and with defaults where neither says anything."""
        if getattr(config, "is_encoder_decoder", False) or not hasattr(config, "vocab_size"):
            raise InvalidArgument.field("reference", f"'{reference.scheme}:{reference.target}' is no encoder of texts")
        longest = longest_text(config)
        defaults = {"pooling": "mean", "normalize": False, "query_prefix": "", "passage_prefix": ""}
        defaults |= {"max_tokens": min(longest, _MOST_TOKENS), **stored, "encoder": self.encoder}
        known = type(parameters).model_fields
        missing = {
            name: value for name, value in defaults.items() if getattr(parameters, name) is None and name in known
        }
        settled = parameters.model_copy(update=missing)
        if settled.max_tokens > longest:
            raise InvalidArgument.field("reference", f"max_tokens is at most {longest}, got {settled.max_tokens}")
        return settled

    def structural(self, parameters: Any) -> dict[str, str]:
        """Return the parameters that shape the module."""
        values = {"encoder": self.encoder, **{name: getattr(parameters, name) for name in self.learned}}
        return {name: str(value).lower() for name, value in values.items()}

    def assets(self, parameters: Any, config: Any, folder: Path, reference: Reference) -> dict[str, bytes]:
        """Return the tokenizer and the settings of the texts."""
        settings = {
            "kind": self.encoder,
            "max_tokens": parameters.max_tokens,
            "pad_token": config.pad_token_id or 0,
            "query_prefix": parameters.query_prefix,
            "passage_prefix": parameters.passage_prefix,
        }
        return {
            TOKENIZER_FILE: _tokenizer(folder, reference),
            SETTINGS_FILE: json.dumps(settings, sort_keys=True).encode(),
        }


class SpladeTextEncoder(DenseTextEncoder):
    """Weights over the whole vocabulary by a masked-language-model head."""

    encoder = "splade"
    learned = ()

    def factory(self) -> Any:
        """Return the factory of masked language models."""
        from transformers import AutoModelForMaskedLM

        return AutoModelForMaskedLM

    def wrap(self, model: Any, parameters: Any, folder: Path | None = None) -> nn.Module:
        """Return a module from tokens and mask to weights."""
        return SpladeEncoder(model)

    def io(self, config: Any) -> ModelIO:
        """Return tokens and mask in, a weight for each word out."""
        return encoder_io(config.vocab_size)


class UnicoilTextEncoder(SpladeTextEncoder):
    """Weights of the words of a text by one linear layer, ``tok_proj``."""

    encoder = "unicoil"

    def factory(self) -> Any:
        """Return the factory of models without a head."""
        return DenseTextEncoder.factory(self)

    def wrap(self, model: Any, parameters: Any, folder: Path | None = None) -> nn.Module:
        """Return a module from tokens and mask to weights; with a folder, with the layer's learned weights."""
        encoder = UnicoilEncoder(model, model.config.hidden_size, model.config.vocab_size)
        if folder is not None:
            encoder.tok_proj.load_state_dict(_projection(folder))
        return encoder


class PairTextEncoder(SpladeTextEncoder):
    """One number for a query and a passage that are read together: a re-ranker, or a teacher."""

    encoder = "cross"

    def class_names(self) -> Mapping[str, str | Sequence[str]]:
        """Return the classifiers of texts."""
        from transformers.models.auto.modeling_auto import MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES

        return MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES

    def factory(self) -> Any:
        """Return the factory of classifiers of texts."""
        from transformers import AutoModelForSequenceClassification

        return AutoModelForSequenceClassification

    def wrap(self, model: Any, parameters: Any, folder: Path | None = None) -> nn.Module:
        """Return a module from tokens, mask and types to scores."""
        return PairScorer(model)

    def io(self, config: Any) -> ModelIO:
        """Return tokens, mask and types in, one score out."""
        return pair_io()

    def settled(self, parameters: Any, stored: Mapping[str, Any], config: Any, reference: Reference) -> Any:
        """Return the parameters, complete; refuse a classifier of several classes."""
        if config.num_labels != 1:
            raise InvalidArgument.field(
                "reference", f"'{reference.target}' has {config.num_labels} classes; a cross-encoder has one score"
            )
        return super().settled(parameters, stored, config, reference)


ENCODERS: Mapping[str, DenseTextEncoder] = {
    kind.encoder: kind for kind in (DenseTextEncoder(), SpladeTextEncoder(), UnicoilTextEncoder(), PairTextEncoder())
}


def longest_text(config: Any) -> int:
    """Return how many tokens a model can take."""
    positions = getattr(config, "max_position_embeddings", None) or _MOST_TOKENS
    if config.model_type in _OFFSET_POSITIONS:
        positions -= (config.pad_token_id or 0) + 1
    return int(positions)


def _projection(folder: Path) -> dict[str, Any]:
    try:
        with safe_open(str(folder / "model.safetensors"), framework="pt") as file:
            names = {name.rsplit(".", 1)[-1]: name for name in file.keys() if ".tok_proj." in f".{name}"}  # noqa: SIM118
            return {name: file.get_tensor(names[name]) for name in ("weight", "bias")}
    except (OSError, SafetensorError, KeyError) as error:
        raise InvalidArgument.field(
            "reference", f"{folder} is no uniCOIL checkpoint: no tok_proj.weight and tok_proj.bias in it ({error})"
        ) from None


def _tokenizer(folder: Path, reference: Reference) -> bytes:
    if (folder / TOKENIZER_FILE).is_file():
        return (folder / TOKENIZER_FILE).read_bytes()
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        return bytes(tokenizer.backend_tokenizer.to_str().encode())
    except (OSError, ValueError, AttributeError, KeyError, TypeError) as error:
        first_line = (str(error).splitlines() or [type(error).__name__])[0]
        raise InvalidArgument.field("reference", f"'{reference.target}' has no tokenizer: {first_line}") from None
