"""Tensors with many zeros: the values that are kept, in order, and a bool tensor that says where they belong.

A zero here is +0, the value whose bits are all 0. -0.0 and every NaN are values like others: what comes back is the
same bit for bit. Nothing here depends on the dtype but its size.
"""

from __future__ import annotations

import torch
from torch import Tensor

# What one sparse tensor costs more than a dense one in a file's header: entries in the metadata, a second name.
_ENTRY_BYTES = 200
_WORDS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


def worth_masking(tensor: Tensor, mask: Tensor | None) -> bool:
    """Return whether `mask` (True where kept) tells where all non-zeros of `tensor` are, and leaves enough out."""
    if mask is None or mask.dtype != torch.bool or mask.shape != tensor.shape or tensor.element_size() not in _WORDS:
        return False
    removed = ~mask.reshape(-1)
    if int(removed.sum()) * tensor.element_size() <= _ENTRY_BYTES:
        return False
    return not bool((_words(tensor).ne(0) & removed).any())


def worthwhile_nonzeros(tensor: Tensor) -> Tensor | None:
    """Return where a tensor is not zero, shaped as it; None unless values and bits take under 3/4 of its bytes."""
    if tensor.dtype == torch.bool or tensor.element_size() not in _WORDS:
        return None
    nonzeros = _words(tensor).ne(0)
    size = int(nonzeros.sum()) * tensor.element_size() + (tensor.numel() + 7) // 8
    return nonzeros.reshape(tensor.shape) if size + _ENTRY_BYTES < 0.75 * tensor.nbytes else None


def gathered(tensor: Tensor, keep: Tensor) -> Tensor:
    """Return the values of a contiguous `tensor` where `keep` is True, flat and in order."""
    return _words(tensor).masked_select(keep.reshape(-1)).view(tensor.dtype)


def scattered(values: Tensor, keep: Tensor) -> Tensor:
    """Return a tensor shaped as `keep` with `values` where it is True, in order, and zeros elsewhere.

    Raises:
        ValueError: There are not as many values as places for them.
    """
    if keep.dtype != torch.bool:
        raise ValueError(f"places of {keep.dtype}, not bool")
    places = int(keep.sum())
    if values.shape != (places,):
        raise ValueError(f"values of shape {tuple(values.shape)} for {places} places")
    words = torch.zeros(keep.numel(), dtype=_WORDS[values.element_size()])
    words.masked_scatter_(keep.reshape(-1), values.view(words.dtype))
    return words.view(values.dtype).reshape(keep.shape)


def _words(tensor: Tensor) -> Tensor:
    return tensor.reshape(-1).view(_WORDS[tensor.element_size()])
