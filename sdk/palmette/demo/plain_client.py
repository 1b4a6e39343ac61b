"""A client that knows nothing of Palmette: plain `tritonclient`, one address, a token as metadata."""

from __future__ import annotations

import time

import numpy as np
import tritonclient.grpc as triton

from palmette.demo.results import Served
from palmette.tensors import Array

_BATCH = 64
_WARM_UP = 20


def measure(address: str, token: str, model: str, images: Array, classes: Array, requests: int) -> Served:
    """Send all images in batches, then some one by one; return the served accuracy and the latency.

    Args:
        address: The gateway, ``host:port``.
        token: Sent as ``authorization: Bearer <token>``.
        model: Name of the deployment.
        images: float32 (N, C, H, W), as the model takes them.
        classes: int64 (N,).
        requests: How many single images to time.
    """
    headers = {"authorization": f"Bearer {token}"}
    client = triton.InferenceServerClient(address)

    def infer(batch: Array) -> Array:
        tensor = triton.InferInput("image", list(batch.shape), "FP32")
        tensor.set_data_from_numpy(batch)
        logits: Array = client.infer(model, [tensor], headers=headers).as_numpy("logits")
        return logits

    try:
        right = sum(
            int((infer(images[start : start + _BATCH]).argmax(axis=1) == classes[start : start + _BATCH]).sum())
            for start in range(0, len(images), _BATCH)
        )
        times_ms = []
        for index in range(_WARM_UP + requests):
            start_s = time.perf_counter()
            infer(images[index : index + 1])
            times_ms.append((time.perf_counter() - start_s) * 1000)
    finally:
        client.close()
    p50_ms, p99_ms = np.percentile(times_ms[_WARM_UP:], [50, 99])
    return Served(right / len(images), float(p50_ms), float(p99_ms), len(images))
