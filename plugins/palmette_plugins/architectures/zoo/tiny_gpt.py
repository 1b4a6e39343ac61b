"""A small causal language model: transformers' GPT-NeoX (rotary positions, linear layers throughout)."""

from __future__ import annotations

import re

from pydantic import Field, model_validator
from torch import nn

from palmette_plugins.api.data import DataInfo
from palmette_plugins.api.reference_parameters import ReferenceParameters
from palmette_plugins.architectures.causal_lm import CausalLM
from palmette_plugins.architectures.zoo.family import Family


class TinyGPTParameters(ReferenceParameters):
    """Sizes; `context` is the longest sequence in tokens, `d_model` the width of a token."""

    vocabulary: int = Field(256, ge=2, le=1_000_000)
    context: int = Field(128, ge=1, le=131_072)
    layers: int = Field(4, ge=1, le=1000)
    d_model: int = Field(128, ge=2, le=65_536)
    heads: int = Field(4, ge=1, le=4096)

    @model_validator(mode="after")
    def _even_heads(self) -> TinyGPTParameters:
        if self.d_model % (2 * self.heads):
            raise ValueError(f"d_model={self.d_model} must be a multiple of 2 * heads={2 * self.heads}")
        return self


class TinyGPTFamily(Family[TinyGPTParameters]):
    """``tiny-gpt``."""

    names = ("tiny-gpt",)
    pattern = re.compile("tiny-gpt")
    tasks = frozenset({"language-modelling"})
    Parameters = TinyGPTParameters

    def build(self, name: str, parameters: TinyGPTParameters) -> nn.Module:
        """Build the transformer."""
        from transformers import GPTNeoXConfig, GPTNeoXForCausalLM

        config = GPTNeoXConfig(
            vocab_size=parameters.vocabulary,
            hidden_size=parameters.d_model,
            num_hidden_layers=parameters.layers,
            num_attention_heads=parameters.heads,
            intermediate_size=4 * parameters.d_model,
            max_position_embeddings=parameters.context,
            use_cache=False,
            bos_token_id=None,
            eos_token_id=None,
        )
        return CausalLM(GPTNeoXForCausalLM(config))

    def from_data(self, data: DataInfo) -> dict[str, int]:
        """Return vocabulary and context."""
        return {"vocabulary": data.vocabulary_size, "context": data.input_shape[0]}

    def input_shape(self, parameters: TinyGPTParameters) -> tuple[int, ...]:
        """Return one full context."""
        return (parameters.context,)
