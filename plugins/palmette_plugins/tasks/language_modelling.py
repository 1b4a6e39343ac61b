"""Language modelling: the next token after every token."""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor
from torch.nn import functional as F

from palmette_plugins.api.data import DataInfo
from palmette_plugins.api.spec import ModelIO, TensorSpec
from palmette_plugins.api.task import Batch, Meter, Task


class LanguageModelling(Task):
    """A batch is (tokens, targets), both int64 of shape (B, L): target i is the token that follows token i.

    The model's forward takes the tokens and returns logits of shape (B, L, vocabulary).
    """

    name = "language-modelling"
    primary_metric = "bits_per_byte"
    higher_is_better = False

    def inputs(self, batch: Batch) -> tuple[Tensor, ...]:
        """Return the tokens without the targets."""
        return (batch[0],)

    def loss(self, outputs: Any, batch: Batch) -> Tensor:
        """Return the mean cross-entropy in nats per token."""
        return F.cross_entropy(outputs.flatten(0, 1), batch[1].flatten())

    def meter(self) -> LanguageModellingMeter:
        """Return a meter of loss, perplexity and bits per byte."""
        return LanguageModellingMeter()

    def io(self, info: DataInfo) -> ModelIO:
        """Return ``tokens`` in, ``logits`` out."""
        tokens = TensorSpec(
            name="tokens", dtype="int64", shape=info.input_shape, preprocessing=dict(info.preprocessing)
        )
        logits = TensorSpec(name="logits", dtype="float32", shape=(*info.input_shape, info.vocabulary_size))
        return ModelIO(inputs=(tokens,), outputs=(logits,))


class LanguageModellingMeter(Meter):
    """``loss`` in nats per token, ``perplexity`` per token, and ``bits_per_byte``.

    The suite's text datasets are byte-level, one token a byte, so bits per byte are the loss in bits.
    """

    def __init__(self) -> None:
        self._tokens = 0
        self._loss = 0.0

    def update(self, outputs: Any, batch: Batch) -> None:
        """Take in logits (B, L, vocabulary) and a batch."""
        targets = batch[1].flatten()
        summed = F.cross_entropy(outputs.float().flatten(0, 1), targets, reduction="sum")
        self._loss += float(summed.double())
        self._tokens += targets.numel()

    def compute(self) -> dict[str, float]:
        """Return the measurements; of no token at all they are NaN."""
        loss = self._loss / self._tokens if self._tokens else float("nan")
        # exp overflows a float above about 709 nats; such a model is infinitely surprised.
        perplexity = math.exp(loss) if not loss > 700 else math.inf
        return {"loss": loss, "perplexity": perplexity, "bits_per_byte": loss / math.log(2)}
