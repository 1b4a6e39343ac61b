"""Model averaging: several trained models as one, whose logits are the mean of theirs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar

from torch import Tensor

from palmette_plugins.api import (
    DatasetRef,
    FieldViolation,
    JobContext,
    Kind,
    LoadedModel,
    Method,
    Model,
    ModelRef,
    ModelSpec,
    Submission,
)
from palmette_plugins.architectures import samples
from palmette_plugins.architectures.building import build
from palmette_plugins.engines.measurements import final_measurements

_ARCHITECTURE = "zoo:logit-average"


class ModelAveraging(Method):
    """Serve several trained models as one: every input goes to all of them and their logits are averaged.

    No training. The ensemble is usually better than its best member and costs as much as all of them together. It
    runs on PyTorch in the inference server.
    """

    kind = Kind.CONVERT
    inputs: ClassVar[Mapping[str, Any]] = {
        "models": Annotated[list[ModelRef], "two or more trained models (artifact:<id>) that take and give the same"],
        "data": Annotated[DatasetRef | None, "what to measure the members and the ensemble on"],
    }
    outputs: ClassVar[Mapping[str, Any]] = {"model": Annotated[Model, "the ensemble"]}

    def check(self, submission: Submission) -> Iterable[FieldViolation]:
        """Find too few models, and models that differ from the first in what they take or give."""
        references = submission.spec.inputs["models"]
        if len(references) < 2:
            yield FieldViolation("inputs.models", f"an average needs at least two models, got {len(references)}")
        specs = [submission.model("models", index).spec for index in range(len(references))]
        for index, spec in enumerate(specs):
            for problem in member_problems(spec, specs[0]):
                yield FieldViolation(f"inputs.models[{index}]", f"'{references[index]}' {problem}")

    def run(self, job: JobContext) -> None:
        """Put the members together, measure, save."""
        members = job.models("models")
        spec = ensemble_spec([member.spec for member in members])
        ensemble = LoadedModel(build(spec), spec, _ARCHITECTURE)
        for index, member in enumerate(members):
            ensemble.module.get_submodule(f"members.{index}").load_state_dict(member.module.state_dict())
        metrics: dict[str, float] = {}
        held_out = None
        if job.has_input("data"):
            metrics = self._measure(job, members, ensemble)
            job.metrics(metrics)
        else:
            held_out = _held_out_inputs(job, members)
        job.save_model(ensemble, metrics=metrics, held_out=held_out)
        job.progress(1.0, "done")

    def _measure(self, job: JobContext, members: list[LoadedModel], ensemble: LoadedModel) -> dict[str, float]:
        data = job.dataset("data")
        metrics: dict[str, float] = {}
        for index, member in enumerate(members):
            job.progress(index / (len(members) + 1), f"measuring member {index}")
            metrics |= {f"member-{index}/{name}": value for name, value in job.evaluate(member, data).items()}
        job.progress(len(members) / (len(members) + 1), "measuring the ensemble")
        return metrics | final_measurements(job, ensemble, data)


def ensemble_spec(members: list[ModelSpec]) -> ModelSpec:
    """Return the spec of the ensemble; it takes and gives what the first member does."""
    return ModelSpec(
        architecture=_ARCHITECTURE,
        parts={str(index): member for index, member in enumerate(members)},
        task=members[0].task,
        io=members[0].io,
        runtime="torch",
    )


def member_problems(spec: ModelSpec, first: ModelSpec) -> list[str]:
    """Return what keeps a model out of an ensemble with `first`, each as the end of a sentence."""
    if spec.io is None:
        return ["has no signature: it was never trained on a dataset; give artifacts of training jobs"]
    if len(spec.io.outputs) != 1 or spec.io.outputs[0].name != "logits":
        return ["gives no logits, so there is nothing to average"]
    if first.io is None:
        return []  # said of the first model
    if spec.task != first.task:
        return [f"is a {spec.task} model, but the first is a {first.task} model"]
    given, wanted = spec.io.outputs[0].shape, first.io.outputs[0].shape
    found = []
    if given != wanted:
        found.append(
            f"gives {given[-1]} logits, but the first gives {wanted[-1]}"
            if given[:-1] == wanted[:-1]
            else f"gives logits of shape {given}, but the first {wanted}"
        )
    elif spec.io.labels != first.io.labels:
        found.append("has other class names than the first")
    takes, expected = spec.io.inputs, first.io.inputs
    if [tensor.shape for tensor in takes] != [tensor.shape for tensor in expected]:
        found.append(f"takes inputs of shape {takes[0].shape}, but the first {expected[0].shape}")
    elif takes != expected:
        found.append("takes inputs that are prepared in another way than the first's (type, scale, mean or deviation)")
    return found


def _held_out_inputs(job: JobContext, members: list[LoadedModel]) -> Mapping[str, Tensor] | None:
    """Return the inputs of the first member's held-out samples, or None where no member has any."""
    for member in members:
        io = member.spec.io
        files = [file.path for file in job.store.manifest(member.artifact).files]
        if io is not None and samples.FILE_NAME in files:
            return samples.read_samples(job.store.local_path(member.artifact, samples.FILE_NAME), io).inputs
    return None
