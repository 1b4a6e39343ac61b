"""Settings of the serving service, beside those of every service."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import Field

from palmette_services.runtime.settings import ServiceSettings
from palmette_services.serving.triton.model_config import Device


class ServingSettings(ServiceSettings):
    """One field per environment variable: `triton_endpoint` is ``PALMETTE_TRITON_ENDPOINT``, and so on."""

    triton_endpoint: str = Field("127.0.0.1:8001", description="Triton's gRPC address, host:port or unix:/path")
    triton_metrics_url: str = Field(
        "", description="Triton's Prometheus page; without it, p50 and p99 of deployments are not known"
    )
    model_repository: Path | None = Field(None, description="Triton's model repository; in the data folder if empty")
    triton_python_backend: Literal["python", "onnxruntime"] = Field(
        "python", description="which of Triton's backends runs ONNX models: onnxruntime where Triton has it"
    )
    triton_device: Device = Field(
        Device.CPU,
        description="where Triton runs models: cpu, gpu, or tensorrt (a GPU, ONNX models compiled)",
    )
    triton_threads: int = Field(0, ge=0, description="cores that one model may use on a CPU; all of them if 0")
    reconcile_s: float = Field(1.0, gt=0, description="how often Triton is compared with what should be served")
    scan_s: float = Field(5.0, gt=0, description="how often the artifact store is scanned for new artifacts")

    @property
    def repository(self) -> Path:
        """The model repository of resolved settings."""
        return self.model_repository or self.folder / "models"

    @property
    def threads(self) -> int:
        """Cores that one model may use."""
        return self.triton_threads or os.cpu_count() or 1
