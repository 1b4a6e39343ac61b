"""Export: make a trained model servable, and measure that it still is the model that was trained."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import orjson
import torch
from pydantic import Field
from torch import Tensor, nn

from palmette_plugins.api import (
    FailedPrecondition,
    FieldViolation,
    JobContext,
    Kind,
    LoadedModel,
    Method,
    MethodConfig,
    ModelIO,
    ModelRef,
    Servable,
    Submission,
)
from palmette_plugins.architectures import samples
from palmette_plugins.serving.onnx_runtime import export_onnx, onnx_runner
from palmette_plugins.serving.parity import Parity, RunBatch, Tolerance, compare_outputs, compare_runtime

DESCRIPTION_FILE = "servable.json"
_BATCH_SIZES = (1, 16)


class Export(Method):
    """Export a trained model for inference, and compare it with PyTorch on held-out inputs.

    ``onnx`` makes an ONNX file with a dynamic batch; ``torch`` makes a reference to the artifact, which the
    inference server loads through palmette_plugins. Either is refused when any output differs from PyTorch by
    more than the tolerances allow.
    """

    kind = Kind.CONVERT
    inputs: ClassVar[Mapping[str, Any]] = {"model": Annotated[ModelRef, "a trained model, artifact:<id>"]}
    outputs: ClassVar[Mapping[str, Any]] = {"servable": Annotated[Servable, "what the inference server loads"]}

    class Config(MethodConfig):
        """Runtime and tolerances."""

        runtime: Literal["auto", "onnx", "torch"] = Field(
            "auto", description="what will execute the model; auto is what the artifact says"
        )
        atol: float = Field(1e-4, ge=0, description="absolute tolerance of the comparison with PyTorch")
        rtol: float = Field(1e-3, ge=0, description="relative tolerance of the comparison with PyTorch")
        opset: int = Field(18, ge=18, le=23, description="ONNX operator set")

    def check(self, submission: Submission) -> Iterable[FieldViolation]:
        """Refuse what was never trained, and models that lack a signature or held-out samples."""
        model = submission.model("model")
        if not model.artifact:
            yield FieldViolation(
                "inputs.model", "must be an artifact (artifact:<id>): only a trained model is exported"
            )
        elif model.spec.io is None:
            yield FieldViolation(
                "inputs.model", "has no signature: it was saved without a dataset, so it is not known what it takes"
            )

    def run(self, job: JobContext) -> None:
        """Export, compare, save."""
        job.progress(0.0, "loading the model")
        model = job.model("model")
        io = model.spec.io
        if io is None:
            raise FailedPrecondition("the model has no signature; save it with the dataset that it was trained on")
        model.module.cpu().eval()
        held_out = samples.read_samples(_samples_path(job, model), io)
        tolerance = Tolerance(self.config.atol, self.config.rtol)
        runtime = model.spec.runtime if self.config.runtime == "auto" else self.config.runtime
        loaded = torch_runner(model.module, io)
        with tempfile.TemporaryDirectory(prefix="palmette-export-") as scratch:
            if runtime == "onnx":
                # First of all, so that a wrong export is not blamed on the model nor the other way round.
                compare_outputs("the artifact loaded anew", loaded(held_out.inputs), held_out.outputs, tolerance)
                job.progress(0.2, "exporting to ONNX")
                files = export_onnx(model.module, _two_or_more(held_out.inputs), io, self.config.opset, Path(scratch))
                what, run = "ONNX Runtime", onnx_runner(files[0], io)
            else:
                files = []
                what, run = "the artifact loaded anew", loaded
            job.progress(0.7, "comparing with PyTorch")
            parity = compare_runtime(what, run, held_out.inputs, held_out.outputs, tolerance, _BATCH_SIZES)
            job.metric("parity/max_abs_difference", parity.max_abs_difference)
            self._save(job, model, runtime, parity, files)
        job.progress(1.0, f"exported for {runtime}")

    def _save(self, job: JobContext, model: LoadedModel, runtime: str, parity: Parity, files: list[Path]) -> None:
        attributes = {
            "source": model.artifact,
            "runtime": runtime,
            "parity": {
                "samples": parity.samples,
                "max_abs_difference": parity.max_abs_difference,
                "atol": self.config.atol,
                "rtol": self.config.rtol,
            },
        }
        spec = model.spec.model_copy(update={"runtime": runtime})
        described = {**attributes, "task": spec.task, "io": spec.io.model_dump(mode="json") if spec.io else None}
        contents: dict[str, bytes | Path] = {path.name: path for path in files}
        contents[DESCRIPTION_FILE] = orjson.dumps(described, option=orjson.OPT_INDENT_2)
        contents[samples.FILE_NAME] = _samples_path(job, model)
        job.save_files(
            contents,
            output="servable",
            spec=spec,
            metrics={"parity/max_abs_difference": parity.max_abs_difference},
            attributes=attributes,
        )


def torch_runner(module: nn.Module, io: ModelIO) -> RunBatch:
    """Return a function that runs the module, as it is and where it is."""

    def run(batch: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        with torch.inference_mode():
            outputs = samples.as_tuple(module(*batch.values()))
        return {spec.name: output for spec, output in zip(io.outputs, outputs, strict=True)}

    return run


def _samples_path(job: JobContext, model: LoadedModel) -> Path:
    files = [file.path for file in job.store.manifest(model.artifact).files]
    if samples.FILE_NAME not in files:
        raise FailedPrecondition(
            "the model has no held-out samples to check the export on; save it with a dataset that has a test split"
        )
    return job.store.local_path(model.artifact, samples.FILE_NAME)


def _two_or_more(inputs: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Return at least two examples: the exporter takes a size of one for a constant."""
    return {name: tensor if len(tensor) > 1 else torch.cat([tensor, tensor]) for name, tensor in inputs.items()}
