"""Checking a job before it is accepted: all that is wrong, at once, by field, in milliseconds."""

from typing import Annotated, ClassVar

import pytest
from pydantic import Field

from palmette_plugins.api import (
    ArtifactRef,
    DatasetRef,
    FailedPrecondition,
    FieldViolation,
    InvalidArgument,
    JobSpec,
    Kind,
    Method,
    MethodConfig,
    Model,
    ModelRef,
    NotFound,
    Submission,
)
from palmette_plugins.api.kinds import ArtifactKind
from palmette_plugins.api.submission import check_submission, submission_violations


class Shrink(Method):
    """Shrinks."""

    kind = Kind.PRUNE
    inputs: ClassVar = {
        "model": Annotated[ModelRef, "what to shrink"],
        "guides": list[ModelRef] | None,
        "data": DatasetRef,
        "table": ArtifactRef | None,
    }
    outputs: ClassVar = {"model": Model}
    tasks = frozenset({"classification"})

    class Config(MethodConfig):
        density: float = Field(0.1, gt=0, le=1)
        epochs: int = Field(1, ge=1)

    def check(self, submission):
        convolutions = [name for name, _ in submission.model("model").module.named_modules() if "conv" in name]
        if not convolutions:
            yield FieldViolation("inputs.model", "has no convolution")

    def run(self, job):
        raise AssertionError("a check must not run the method")


def violations(inputs, config=None, store=None):
    spec = JobSpec(
        "trial",
        "shrink",
        {name: [value] if isinstance(value, str) else value for name, value in inputs.items()},
        config or {},
        artifact_store_url=store.url if store else "",
    )
    return [(v.field, v.description) for v in submission_violations(Submission(spec, Shrink))]


GOOD = {"model": "zoo:resnet20", "data": "digits"}


def test_a_good_submission_has_no_violations():
    assert violations(GOOD) == []
    assert violations({**GOOD, "guides": ["zoo:resnet20", "zoo:mlp"]}, {"density": 0.5}) == []


def test_all_config_violations_and_all_missing_inputs_come_at_once():
    found = dict(violations({"modle": "zoo:resnet20"}, {"density": 2, "epochs": 0}))

    assert set(found) == {"config.density", "config.epochs", "inputs.modle", "inputs.model", "inputs.data"}
    assert found["inputs.modle"] == "unknown input; did you mean 'model'?"
    assert found["inputs.data"] == "required: a reference"


def test_all_wrong_references_come_at_once():
    found = violations({"model": "zoo:resnet21", "guides": ["zoo:nothing", "x"], "data": "digits?seed=-1"})

    assert [field for field, _ in found].count("inputs.data") == 1
    found = dict(violations({"model": "zoo:resnet21", "guides": ["zoo:resnet20", "zo:x"], "data": "digits"}))
    assert "6n + 2" in found["inputs.model"]
    assert "did you mean 'zoo'" in found["inputs.guides"]


def test_a_single_input_takes_one_reference():
    assert violations({**GOOD, "model": ["zoo:resnet20", "zoo:mlp"]}) == [
        ("inputs.model", "takes one reference, got 2")
    ]


def test_a_dataset_of_another_task_is_refused_with_what_is_supported():
    (violation,) = violations({"model": "zoo:tiny-gpt", "data": "manual"})

    assert violation == ("inputs.data", "is a language-modelling dataset; shrink supports classification")


def test_a_model_that_does_not_fit_the_data_is_refused():
    (violation,) = violations({**GOOD, "model": "zoo:resnet20?in_channels=3"})

    assert violation[0] == "inputs.model"
    assert "in_channels=3, but the data has 1" in violation[1]


def test_the_methods_own_check_comes_last():
    assert violations({**GOOD, "model": "zoo:mlp"}) == [("inputs.model", "has no convolution")]
    assert "inputs.model" not in dict(violations({**GOOD, "model": "zoo:mlp"}, {"density": 0}))


def test_artifacts_must_be_in_the_store(store):
    with store.writer() as writer:
        writer.add_bytes("table.json", b"[]")
        identifier = writer.commit(kind=ArtifactKind.TABLE)

    assert violations({**GOOD, "table": f"artifact:{identifier[:12]}"}, store=store) == []
    assert violations({**GOOD, "table": "artifact:0123456789"}, store=store) == [
        ("inputs.table", "no artifact whose id starts with '0123456789'")
    ]
    (violation,) = violations({**GOOD, "model": f"artifact:{identifier}"}, store=store)
    assert "is a table artifact, not a model" in violation[1]


SOURCE = """
from palmette_plugins.api import Kind, Method
class Raises(Method):
    kind = Kind.ANALYSE
    inputs = {}
    outputs = {}
    def check(self, submission):
        raise ZeroDivisionError("a bug in the check")
    def run(self, job): ...
"""


def test_unknown_and_broken_plugins_are_said_as_such(install):
    install("raising_plugin", SOURCE, palmette__methods__trial={"raises": "raising_plugin:Raises"})
    install("broken_plugin", "import nothing_at_all", palmette__methods__trial={"broken": "broken_plugin:X"})

    with pytest.raises(NotFound, match="no plugin named 'raise'; did you mean 'raises'"):
        check_submission(JobSpec("trial", "raise"))
    with pytest.raises(FailedPrecondition, match="plugin 'broken' fails to import: ModuleNotFoundError"):
        check_submission(JobSpec("trial", "broken"))
    with pytest.raises(ZeroDivisionError):  # a bug of the plugin is no fault of the user's
        check_submission(JobSpec("trial", "raises"))


def test_check_submission_raises_everything_at_once():
    spec = JobSpec("pruning_growth", "random-pruning", {"model": ["zoo:resnet20"]}, {"density": 0, "ratio": "er2"})

    with pytest.raises(InvalidArgument) as caught:
        check_submission(spec)

    assert {"config.density", "config.ratio", "inputs.data"} <= {v.field for v in caught.value.violations}
