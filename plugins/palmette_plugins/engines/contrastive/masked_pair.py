"""A masked autoencoder of image-text pairs: a pair that it fills in well is like what it was trained on."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_PATCHES = 7  # in each direction, whatever the image's size
_PATCH = 4  # pixels of a patch after the image is brought to 28x28
_SIDE = _PATCHES * _PATCH
_LAYERS = 2
_HEADS = 4
_MASKED_PATCHES = 0.5
_MASKED_WORDS = 0.5
_SEED = 0


class MaskedPair(nn.Module):
    """A small transformer over the patches of an image and the words of its caption, half of both hidden from it.

    What is hidden is fixed: every pair is asked the same question, so that losses compare and a score does not
    depend on chance. Words that are hidden in one question are shown in the other.
    """

    def __init__(self, channels: int, size: int, hidden: int, vocabulary: int, context: int) -> None:
        super().__init__()
        self.size = size
        self.patch = nn.Linear(channels * _PATCH**2, hidden)
        self.words = nn.Embedding(vocabulary, hidden, padding_idx=0)
        self.places = nn.Parameter(0.02 * torch.randn(_PATCHES**2 + context, hidden))
        self.hidden_patch = nn.Parameter(0.02 * torch.randn(hidden))
        self.hidden_word = nn.Parameter(0.02 * torch.randn(hidden))
        layer = nn.TransformerEncoderLayer(hidden, _HEADS, 2 * hidden, dropout=0.0, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, _LAYERS, enable_nested_tensor=False)
        self.to_pixels = nn.Linear(hidden, channels * _PATCH**2)
        self.to_word = nn.Linear(hidden, vocabulary)
        generator = torch.Generator().manual_seed(_SEED)
        self.register_buffer("patch_mask", torch.rand(_PATCHES**2, generator=generator) < _MASKED_PATCHES)
        self.register_buffer("word_mask", torch.rand(context, generator=generator) < _MASKED_WORDS)

    def forward(self, images: Tensor, tokens: Tensor) -> Tensor:
        """Return the loss of each pair, (B,): of hidden pixels and, in nats, of hidden words."""
        return (self._loss(images, tokens, self.word_mask) + self._loss(images, tokens, ~self.word_mask)) / 2

    def _loss(self, images: Tensor, tokens: Tensor, word_mask: Tensor) -> Tensor:
        patches = self._patches(images)  # (B, P, C * 16)
        there = tokens > 0
        seen = torch.where(self.patch_mask.unsqueeze(1), self.hidden_patch, self.patch(patches))
        read = torch.where(word_mask.unsqueeze(1), self.hidden_word, self.words(tokens))
        padding = torch.cat([torch.zeros_like(patches[..., 0], dtype=torch.bool), ~there], dim=1)
        states = self.encoder(torch.cat([seen, read], dim=1) + self.places, src_key_padding_mask=padding)
        count = patches.shape[1]
        pixels = F.mse_loss(self.to_pixels(states[:, :count]), patches, reduction="none").mean(dim=2)
        of_pixels = (pixels * self.patch_mask).sum(dim=1) / self.patch_mask.sum()
        return of_pixels + self._word_loss(states[:, count:], tokens, word_mask & there)

    def _word_loss(self, states: Tensor, tokens: Tensor, asked: Tensor) -> Tensor:
        """Return the mean loss of each pair's asked words, 0 where there are none; only they are predicted."""
        losses = F.cross_entropy(self.to_word(states[asked]).float(), tokens[asked], reduction="none")
        of_pairs = asked.nonzero()[:, 0]
        sums = torch.zeros(len(tokens), device=tokens.device).index_add(0, of_pairs, losses)
        return sums / asked.sum(dim=1).clamp(min=1)

    def _patches(self, images: Tensor) -> Tensor:
        if images.shape[-1] != _SIDE or images.shape[-2] != _SIDE:
            images = F.interpolate(images, (_SIDE, _SIDE), mode="bilinear", antialias=True)
        return F.unfold(images, _PATCH, stride=_PATCH).transpose(1, 2)
