"""Text encoders with their tokenizers: from texts to vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum

import numpy as np
import orjson
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from tokenizers import Tokenizer
from torch import Tensor

from palmette_plugins.api.architecture import LoadedModel
from palmette_plugins.api.errors import InvalidArgument
from palmette_plugins.architectures.hf_text_encoders import SETTINGS_FILE, TOKENIZER_FILE

Vectors = NDArray[np.float32]


class Role(Enum):
    """What a text is to an encoder."""

    QUERY = "query"
    PASSAGE = "passage"


class EncoderSettings(BaseModel):
    """What an encoder's texts need: ``assets/encoder.json`` of its artifact.

    Attributes:
        kind: ``dense``, or ``splade`` and ``unicoil`` for weights over the vocabulary.
        max_tokens: Tokens that are read of a text, special ones included.
        pad_token: Id of the token that shorter texts are padded with.
        query_prefix: What every query begins with.
        passage_prefix: What every passage begins with.
    """

    model_config = ConfigDict(frozen=True)

    kind: str = "dense"
    max_tokens: int = Field(ge=2)
    pad_token: int = 0
    query_prefix: str = ""
    passage_prefix: str = ""


class TextTokenizer:
    """From texts to tokens, as an encoder wants them. Needs no torch model: the service tokenises with it too."""

    def __init__(self, tokenizer: bytes, settings: EncoderSettings) -> None:
        self.settings = settings
        self._tokenizer = Tokenizer.from_buffer(tokenizer)
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(settings.max_tokens)

    def ids(self, texts: Sequence[str], role: Role) -> list[list[int]]:
        """Return the token ids of texts, cut at the longest that the encoder reads."""
        prefix = self.settings.query_prefix if role is Role.QUERY else self.settings.passage_prefix
        return [found.ids for found in self._tokenizer.encode_batch([f"{prefix}{text}" for text in texts])]

    def pairs(self, texts: Sequence[tuple[str, str]]) -> list[tuple[list[int], list[int]]]:
        """Return token ids and types of (query, passage) pairs, the longer one cut where both are too long."""
        named = [(self.settings.query_prefix + query, self.settings.passage_prefix + text) for query, text in texts]
        return [(found.ids, found.type_ids) for found in self._tokenizer.encode_batch(named)]

    def padded(self, ids: Sequence[Sequence[int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return tokens and mask (B, L), L as long as the longest."""
        longest = max(1, *(len(row) for row in ids))
        tokens = np.full((len(ids), longest), self.settings.pad_token, np.int64)
        mask = np.zeros((len(ids), longest), np.int64)
        for index, row in enumerate(ids):
            tokens[index, : len(row)] = row
            mask[index, : len(row)] = 1
        return tokens, mask


class TextEncoder:
    """A loaded text encoder, on a device, in evaluation mode whenever it encodes.

    Attributes:
        model: The encoder.
        tokenizer: Its tokenizer and settings.
    """

    def __init__(self, model: LoadedModel, device: torch.device | str = "cpu", max_tokens: int | None = None) -> None:
        """Take a loaded encoder.

        Args:
            model: From ``hf:`` or an artifact.
            device: Where to compute.
            max_tokens: Tokens that are read of a text; at most, and when None, what the encoder's settings say.

        Raises:
            InvalidArgument: It has no tokenizer: it is no text encoder.
        """
        self.model = model
        self.tokenizer = tokenizer_of(model, max_tokens)
        self._device = torch.device(device)
        model.module.to(self._device)

    @property
    def dimension(self) -> int:
        """How many numbers a vector has."""
        io = self.model.spec.io
        assert io is not None  # an encoder's architecture fixes it
        return io.outputs[0].shape[-1]

    def encode(
        self, texts: Sequence[str], role: Role, batch_size: int = 128, check: Callable[[], None] | None = None
    ) -> Vectors:
        """Return one vector for each text, (N, d), in the order of the texts.

        Texts of like length share a batch. `check` is called before each; what it raises comes out.
        """
        ids = self.tokenizer.ids(texts, role)
        order = sorted(range(len(ids)), key=lambda index: -len(ids[index]))
        vectors = np.empty((len(ids), self.dimension), np.float32)
        for start in range(0, len(order), batch_size):
            if check is not None:
                check()
            chosen = order[start : start + batch_size]
            vectors[chosen] = self.embed([ids[index] for index in chosen]).cpu().numpy()
        return vectors

    @torch.inference_mode()
    def embed(self, ids: Sequence[Sequence[int]]) -> Tensor:
        """Return the vectors (B, d) of texts given by token ids, on the device."""
        tokens, mask = (torch.from_numpy(part).to(self._device) for part in self.tokenizer.padded(ids))
        vectors: Tensor = self.model.module.eval()(tokens, mask)
        return vectors.float()

    def examples(self, texts: Sequence[str], role: Role = Role.PASSAGE) -> dict[str, Tensor]:
        """Return inputs by name, for `JobContext.save_model`: the export is checked on them."""
        tokens, mask = self.tokenizer.padded(self.tokenizer.ids(texts, role))
        return {"tokens": torch.from_numpy(tokens), "mask": torch.from_numpy(mask)}


def tokenizer_of(model: LoadedModel, max_tokens: int | None = None) -> TextTokenizer:
    """Return the tokenizer that travels with a model; raises `InvalidArgument` where there is none."""
    if TOKENIZER_FILE not in model.assets or SETTINGS_FILE not in model.assets:
        raise InvalidArgument.field("model", f"'{model.reference}' is no text encoder: no tokenizer travels with it")
    settings = EncoderSettings.model_validate(orjson.loads(model.assets[SETTINGS_FILE]))
    if max_tokens is not None:
        settings = settings.model_copy(update={"max_tokens": min(max_tokens, settings.max_tokens)})
    return TextTokenizer(model.assets[TOKENIZER_FILE], settings)
