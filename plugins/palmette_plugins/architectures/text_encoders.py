"""Text encoders: transformers' models with one vector for each text.

Shapes: tokens and mask (B, L), 1 where there is a token; states (B, L, H); embeddings (B, d).
"""

from __future__ import annotations

from enum import Enum
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Pooling(Enum):
    """How the states of a text's tokens become one vector."""

    MEAN = "mean"
    CLS = "cls"
    MAX = "max"


def pool(states: Tensor, mask: Tensor, pooling: Pooling) -> Tensor:
    """Return the first state, or mean or maximum over the tokens of each text; padding does not count."""
    if pooling is Pooling.CLS:
        return states[:, 0]
    weights = mask.unsqueeze(-1).to(states.dtype)
    if pooling is Pooling.MAX:
        return states.masked_fill(weights == 0, torch.finfo(states.dtype).min).amax(1)
    return (states * weights).sum(1) / weights.sum(1).clamp(min=1)


class DenseEncoder(nn.Module):
    """One dense vector for each text; scores are inner products, cosines where vectors are normalised."""

    def __init__(self, model: Any, pooling: Pooling, normalize: bool) -> None:
        super().__init__()
        self.model = without_pooler(model)
        self.pooling = pooling
        self.normalize = normalize

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """Return embeddings (B, d)."""
        states = self.model(input_ids=tokens, attention_mask=mask).last_hidden_state
        embeddings = pool(states, mask, self.pooling)
        return F.normalize(embeddings, dim=-1) if self.normalize else embeddings


class SpladeEncoder(nn.Module):
    """Weights over the whole vocabulary, w_j = max_i ln(1 + ReLU(logit_ij)) (Formal et al., 2021)."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """Return weights (B, vocabulary), none negative."""
        logits = self.model(input_ids=tokens, attention_mask=mask).logits
        return splade_weights(logits, mask)


class UnicoilEncoder(nn.Module):
    """Weights of the words that are there, by context: w_t = max over the places of t of ReLU(v . h_i + c).

    The first token ([CLS]) is left out (Lin and Ma, 2021).
    """

    def __init__(self, model: Any, hidden_size: int, vocabulary: int) -> None:
        super().__init__()
        self.model = without_pooler(model)
        self.tok_proj = nn.Linear(hidden_size, 1)
        self.vocabulary = vocabulary

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """Return weights (B, vocabulary), 0 for words that the text does not have."""
        states = self.model(input_ids=tokens, attention_mask=mask).last_hidden_state
        return unicoil_weights(self.tok_proj(states).squeeze(-1), tokens, mask, self.vocabulary)


class PairScorer(nn.Module):
    """A cross-encoder: query and passage as one sequence, one number for how well they fit."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        self.has_types = getattr(model.config, "type_vocab_size", 0) > 1

    def forward(self, tokens: Tensor, mask: Tensor, types: Tensor) -> Tensor:
        """Return scores (B, 1); types (B, L) are 0 for the query's tokens and 1 for the passage's."""
        extra = {"token_type_ids": types} if self.has_types else {}
        logits: Tensor = self.model(input_ids=tokens, attention_mask=mask, **extra).logits
        return logits


def splade_weights(logits: Tensor, mask: Tensor) -> Tensor:
    """Return max over the tokens of ln(1 + ReLU(logit)); logits (B, L, V) to (B, V)."""
    return (torch.log1p(F.relu(logits)) * mask.unsqueeze(-1).to(logits.dtype)).amax(1)


def unicoil_weights(scores: Tensor, tokens: Tensor, mask: Tensor, vocabulary: int) -> Tensor:
    """Return the maximum of ReLU(score) over the places of each word but the first; (B, L) to (B, V)."""
    kept = mask.clone()
    kept[:, 0] = 0
    weights = F.relu(scores) * kept.to(scores.dtype)
    empty = torch.zeros(len(tokens), vocabulary, dtype=scores.dtype, device=scores.device)
    return empty.scatter_reduce(1, tokens, weights, "amax", include_self=True)


def without_pooler(model: Any) -> Any:
    """Return a transformers model without the layer over [CLS] that the next-sentence task left; it is not used."""
    if getattr(model, "pooler", None) is not None:
        model.pooler = None
    return model
