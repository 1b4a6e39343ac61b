"""A model of Triton's Python backend that runs ``model.onnx`` with ONNX Runtime.

For servers without an ``onnxruntime`` backend of their own (the local wheel); inputs and outputs are the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy
import onnxruntime

from palmette_plugins.serving.triton_batching import ServedVersion, respond


class TritonPythonModel:
    """What Triton instantiates, once per instance."""

    def initialize(self, args: Mapping[str, str]) -> None:
        """Open the session."""
        self._version = ServedVersion.from_arguments(args)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._version.threads
        options.inter_op_num_threads = 1
        # Idle threads must sleep: other models and the jobs share the cores.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(
            str(self._version.folder / "model.onnx"), options, providers=_providers(self._version)
        )

    def execute(self, requests: Sequence[Any]) -> list[Any]:
        """Answer the requests of one dynamic batch."""
        return respond(self._version, requests, self._run)

    def _run(self, arrays: list[numpy.ndarray]) -> Sequence[numpy.ndarray]:
        feed = dict(zip(self._version.inputs, arrays, strict=True))
        results: Sequence[numpy.ndarray] = self._session.run(list(self._version.outputs), feed)
        return results


def _providers(version: ServedVersion) -> list[Any]:
    available = onnxruntime.get_available_providers()
    if version.device_kind == "GPU" and "CUDAExecutionProvider" in available:
        return [("CUDAExecutionProvider", {"device_id": version.device_id}), "CPUExecutionProvider"]
    return ["CPUExecutionProvider"]
