"""Words as numbers without a vocabulary file: each word's number is a hash of it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

_WORD = re.compile(r"\w+")
VOCABULARY = 16_384
CONTEXT = 16


@dataclass(frozen=True)
class HashedWords:
    """A tokenizer: lower-case words, hashed into `vocabulary` - 1 numbers; 0 means no word.

    Attributes:
        vocabulary: Numbers that there are.
        context: Words that are taken; what follows is cut off.
    """

    vocabulary: int = VOCABULARY
    context: int = CONTEXT

    def __call__(self, captions: Sequence[str]) -> Tensor:
        """Return the tokens, int64 (B, context)."""
        tokens = torch.zeros((len(captions), self.context), dtype=torch.int64)
        for row, caption in enumerate(captions):
            numbers = [_number(word, self.vocabulary) for word in _WORD.findall(caption.lower())[: self.context]]
            tokens[row, : len(numbers)] = torch.tensor(numbers, dtype=torch.int64)
        return tokens


def has_words(caption: str) -> bool:
    """Tell whether a caption says anything at all."""
    return _WORD.search(caption) is not None


@lru_cache(maxsize=100_000)
def _number(word: str, vocabulary: int) -> int:
    digest = hashlib.sha256(word.encode()).digest()
    return 1 + int.from_bytes(digest[:8], "big") % (vocabulary - 1)
