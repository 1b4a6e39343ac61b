"""transformers' causal language models with the suite's signature: tokens in, logits out."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class CausalLM(nn.Module):
    """Calls a transformers model on token ids (B, L) and returns logits (B, L, vocabulary)."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the logits of the token after each token."""
        # transformers derives the causal mask from values, which tensors on `meta` do not have; a mask with four
        # dimensions is taken as it is.
        length = tokens.shape[1]
        mask = torch.empty(1, 1, length, length, device="meta") if tokens.is_meta else None
        logits: Tensor = self.model(input_ids=tokens, attention_mask=mask, use_cache=False).logits
        return logits
