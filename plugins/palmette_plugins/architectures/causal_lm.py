"""transformers' causal language models with the suite's signature: tokens in, logits out."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn


class CausalLM(nn.Module):
    """Calls a transformers model on token ids (B, L) and returns logits (B, L, vocabulary)."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the logits of the token after each token."""
        logits: Tensor = self.model(input_ids=tokens, use_cache=False).logits
        return logits
