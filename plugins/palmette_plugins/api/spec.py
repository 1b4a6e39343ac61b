"""Model specs: how to rebuild a model's structure, as plain JSON."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Edit(BaseModel):
    """One registered structural change, with its arguments (plain JSON)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    arguments: dict[str, Any] = Field(default_factory=dict)


class TensorSpec(BaseModel):
    """A tensor that goes into or comes out of a model.

    Attributes:
        name: Its name when served.
        dtype: A numpy dtype name, such as ``float32`` or ``int64``.
        shape: Sizes without the batch dimension; -1 for any size.
        preprocessing: How raw data becomes this tensor, such as ``{"scale": 1/255, "mean": [...], "std": [...]}``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    dtype: str
    shape: tuple[int, ...]
    preprocessing: dict[str, Any] = Field(default_factory=dict)


class ModelIO(BaseModel):
    """What goes in and out of a model when served; `labels` are class names in order of the logits."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    labels: tuple[str, ...] = ()


class ModelSpec(BaseModel):
    """A model's structure: an architecture reference and the edits made since, in order.

    Attributes:
        architecture: A complete reference, such as ``zoo:resnet20?in_channels=1&num_classes=10``.
        edits: Structural changes, oldest first.
        parts: Specs of models that the architecture is composed of (an ensemble's members), by name.
        task: Name of the task, such as ``classification``; empty while unknown.
        io: Signature when served; None until a dataset fixed it.
        runtime: ``onnx`` or ``torch``: what should execute the model when served.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    architecture: str
    edits: tuple[Edit, ...] = ()
    parts: dict[str, ModelSpec] = Field(default_factory=dict)
    task: str = ""
    io: ModelIO | None = None
    runtime: str = Field(default="onnx", pattern="^(onnx|torch)$")

    def with_edit(self, name: str, **arguments: Any) -> ModelSpec:
        """Return a copy with one more edit."""
        return self.model_copy(update={"edits": (*self.edits, Edit(name=name, arguments=arguments))})
