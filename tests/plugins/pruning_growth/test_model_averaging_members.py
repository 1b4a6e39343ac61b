"""Which models can be averaged: every way in which two can differ."""

import pytest

from palmette_plugins.api import ModelIO, ModelSpec, TensorSpec
from palmette_plugins.pruning_growth.model_averaging import ensemble_spec, member_problems

IMAGE = TensorSpec(name="image", dtype="float32", shape=(1, 8, 8), preprocessing={"scale": 0.1})
LOGITS = TensorSpec(name="logits", dtype="float32", shape=(3,))


def _spec(image: TensorSpec = IMAGE, logits: TensorSpec = LOGITS, labels: tuple[str, ...] = ("a", "b", "c")):
    io = ModelIO(inputs=(image,), outputs=(logits,), labels=labels)
    return ModelSpec(architecture="zoo:mlp", task="classification", io=io)


def test_models_of_one_kind_fit() -> None:
    assert member_problems(_spec(), _spec()) == []
    assert ensemble_spec([_spec(), _spec()]).io == _spec().io


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        (_spec(logits=LOGITS.model_copy(update={"shape": (4,)})), "gives 4 logits, but the first gives 3"),
        (_spec(logits=LOGITS.model_copy(update={"shape": (2, 3)})), "logits of shape (2, 3), but the first (3,)"),
        (_spec(logits=LOGITS.model_copy(update={"name": "depth"})), "no logits"),
        (_spec(labels=("a", "c", "b")), "other class names"),
        (_spec(image=IMAGE.model_copy(update={"shape": (3, 8, 8)})), "shape (3, 8, 8), but the first (1, 8, 8)"),
        (_spec(image=IMAGE.model_copy(update={"preprocessing": {"scale": 1.0}})), "prepared in another way"),
        (ModelSpec(architecture="zoo:mlp"), "never trained"),
    ],
)
def test_every_difference_is_said(spec: ModelSpec, reason: str) -> None:
    (problem,) = member_problems(spec, _spec())
    assert reason in problem
