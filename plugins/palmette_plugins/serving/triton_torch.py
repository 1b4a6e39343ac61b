"""A model of Triton's Python backend that runs an artifact with PyTorch through palmette_plugins.

For results whose gain lives in the runtime: sparse kernels, routed experts, ensembles.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy
import torch

from palmette_plugins.api.artifacts import ArtifactStore
from palmette_plugins.architectures.loading import load_model_reference
from palmette_plugins.architectures.samples import as_tuple
from palmette_plugins.serving.triton_batching import ServedVersion, respond


class TritonPythonModel:
    """What Triton instantiates, once per instance."""

    def initialize(self, args: Mapping[str, str]) -> None:
        """Load the artifact that the version's ``servable.json`` names."""
        self._version = ServedVersion.from_arguments(args)
        described = json.loads((self._version.folder / "servable.json").read_text())
        store = ArtifactStore(self._version.parameters["artifact_store_url"])
        torch.set_num_threads(self._version.threads)
        loaded = load_model_reference(f"artifact:{described['source']}", "model", None, store, seed=0)
        self._device = torch.device(f"cuda:{self._version.device_id}" if self._version.device_kind == "GPU" else "cpu")
        self._module = loaded.module.to(self._device).eval()

    def execute(self, requests: Sequence[Any]) -> list[Any]:
        """Answer the requests of one dynamic batch."""
        return respond(self._version, requests, self._run)

    def _run(self, arrays: list[numpy.ndarray]) -> Sequence[numpy.ndarray]:
        with torch.inference_mode():
            # Triton's arrays may be read-only views of shared memory, which torch does not like to share.
            outputs = self._module(*(torch.tensor(array, device=self._device) for array in arrays))
        return [output.cpu().numpy() for output in as_tuple(outputs)]
