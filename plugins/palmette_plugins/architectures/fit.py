"""Whether a model fits data: task, channels, size, classes, vocabulary."""

from __future__ import annotations

import torch
from torch import nn

from palmette_plugins.api.data import DataInfo
from palmette_plugins.api.errors import FieldViolation
from palmette_plugins.api.resolve import task
from palmette_plugins.api.spec import ModelSpec


def task_violations(tasks: frozenset[str], data: DataInfo, field: str, text: str) -> list[FieldViolation]:
    """Return what is wrong with an architecture's tasks for this data."""
    if data.task in tasks:
        return []
    can = ", ".join(sorted(tasks)) or "no task"
    return [FieldViolation(field, f"'{text}' does {can}, but the data is for {data.task}")]


def io_violations(spec: ModelSpec, data: DataInfo, field: str, text: str) -> list[FieldViolation]:
    """Return what is wrong with a saved model's signature for this data."""
    if spec.task and spec.task != data.task:
        return [FieldViolation(field, f"'{text}' is a {spec.task} model, but the data is for {data.task}")]
    if spec.io is None:
        return []
    made_for, answers = spec.io.inputs[0].shape, spec.io.outputs[0].shape[-1]
    pairs = [("classes", answers, data.num_classes)] if data.num_classes else []
    if data.vocabulary_size:
        pairs.append(("tokens in its vocabulary", answers, data.vocabulary_size))
    if len(made_for) == 3 and len(data.input_shape) == 3:
        pairs.append(("input channels", made_for[0], data.input_shape[0]))
    return [
        FieldViolation(field, f"'{text}' has {of_model} {what}, but the data has {of_data}")
        for what, of_model, of_data in pairs
        if of_model not in (of_data, -1)
    ]


def size_violations(module: nn.Module, data: DataInfo, field: str, text: str) -> list[FieldViolation]:
    """Return what is wrong with the size of images, by running a module of the ``meta`` device on two of them.

    Other inputs are not tried: transformers looks into its masks, which ``meta`` tensors do not have. Nor are models
    that take more than an image.
    """
    if len(data.input_shape) != 3 or len(task(data.task).io(data).inputs) != 1:
        return []
    example = torch.empty((2, *data.input_shape), dtype=getattr(torch, data.input_dtype), device="meta")
    try:
        with torch.inference_mode():
            module.eval()(example)
    except (AssertionError, RuntimeError, ValueError) as error:  # as the layer that minds words it
        shape = "x".join(str(size) for size in data.input_shape)
        reason = str(error).splitlines()[0]
        return [FieldViolation(field, f"'{text}' cannot take the data's inputs of {shape}: {reason}")]
    return []
