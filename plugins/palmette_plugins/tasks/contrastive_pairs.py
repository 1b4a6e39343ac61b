"""Contrastive pairs: images and texts that belong together, near each other in one space."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from palmette_plugins.api.data import DataInfo
from palmette_plugins.api.spec import ModelIO, TensorSpec
from palmette_plugins.api.task import Batch, Meter, Task
from palmette_plugins.engines.contrastive.loss import contrastive_loss

_COMPARED = 1000  # images whose cosines with all texts are held at a time


class ContrastivePairs(Task):
    """A batch is (images, tokens): float images (B, C, H, W), int64 tokens (B, L) with 0 where there is none.

    The model's forward takes both and returns unit vectors of the images (B, D), of the texts (B, D), and the factor
    of their cosines (B, 1), the same in every row.
    """

    name = "contrastive-pairs"
    primary_metric = "retrieval"
    higher_is_better = True

    def inputs(self, batch: Batch) -> tuple[Tensor, ...]:
        """Return images and tokens."""
        return (batch[0], batch[1])

    def loss(self, outputs: Any, batch: Batch) -> Tensor:
        """Return the symmetric contrastive loss over the batch in nats."""
        images, texts, scale = outputs
        return contrastive_loss(images, texts, scale.flatten()[0].float())

    def meter(self) -> Meter:
        """Return a meter of retrieval and of the cosines of the pairs."""
        return PairsMeter()

    def io(self, info: DataInfo) -> ModelIO:
        """Return ``image`` and ``tokens`` in; ``image_vector``, ``text_vector`` and ``logit_scale`` out."""
        tokens = int(info.preprocessing.get("context", -1))
        image = TensorSpec(
            name="image", dtype="float32", shape=info.input_shape, preprocessing=dict(info.preprocessing)
        )
        return ModelIO(
            inputs=(image, TensorSpec(name="tokens", dtype="int64", shape=(tokens,))),
            outputs=(
                TensorSpec(name="image_vector", dtype="float32", shape=(-1,)),
                TensorSpec(name="text_vector", dtype="float32", shape=(-1,)),
                TensorSpec(name="logit_scale", dtype="float32", shape=(1,)),
            ),
        )


class PairsMeter(Meter):
    """``retrieval``: the share of images to which no text is nearer than their own; ``cosine``: mean of the pairs.

    Keeps the vectors of the whole split: the task is harder among more texts, so batches must not decide it.
    """

    def __init__(self) -> None:
        self._images: list[Tensor] = []
        self._texts: list[Tensor] = []

    def update(self, outputs: Any, batch: Batch) -> None:
        """Take in the vectors of a batch."""
        self._images.append(outputs[0].float().cpu())
        self._texts.append(outputs[1].float().cpu())

    def compute(self) -> dict[str, float]:
        """Return the measurements; of no pair at all they are NaN."""
        if not self._images:
            return dict.fromkeys(("retrieval", "cosine"), float("nan"))
        images, texts = torch.cat(self._images), torch.cat(self._texts)
        own = (images * texts).sum(dim=1)
        found = 0
        for start in range(0, len(images), _COMPARED):
            part = slice(start, start + _COMPARED)
            nearest = (images[part] @ texts.T).max(dim=1).values
            found += int((own[part] >= nearest - 1e-6).sum())  # captions that occur twice are equally near
        return {"retrieval": found / len(images), "cosine": float(own.mean())}
