"""Checkpoints: what a job needs to go on where it stopped, exactly.

A checkpoint holds a nested state of tensors and plain values, and the state of every random number
generator (Python, NumPy, torch, CUDA). It is written beside the last one and renamed, never over it, and
read back only with ``weights_only=True``.
"""

from __future__ import annotations

import hashlib
import io
import random
from typing import Any

import fsspec

from palmette_plugins.api.artifacts.disk import disk_errors

_KEEP = 2


class CheckpointFolder:
    """The checkpoints of one job below an fsspec URL."""

    def __init__(self, url: str) -> None:
        self._fs, root = fsspec.core.url_to_fs(url)
        self._root = str(root).rstrip("/")

    def save(self, state: dict[str, Any]) -> None:
        """Write a checkpoint: `state` (tensors, numbers, strings, lists, dicts) and the random states."""
        import torch

        buffer = io.BytesIO()
        torch.save({"state": state, "random": _random_states()}, buffer)
        data = buffer.getvalue()
        numbers = self._numbers()
        number = (numbers[-1] if numbers else 0) + 1
        name = f"{self._root}/{number:08d}-{hashlib.sha256(data).hexdigest()}.pt"
        with disk_errors("writing a checkpoint"):
            self._fs.makedirs(self._root, exist_ok=True)
            try:
                self._fs.pipe_file(f"{name}.part", data)
                self._fs.mv(f"{name}.part", name)
            except BaseException:
                if self._fs.exists(f"{name}.part"):
                    self._fs.rm_file(f"{name}.part")  # on a full disk, half a checkpoint is in the way
                raise
        self._prune()

    def restore(self) -> dict[str, Any] | None:
        """Return the newest whole checkpoint's state and set the random states; None if there is none."""
        import torch

        for name in reversed(self._names()):
            data = self._fs.cat_file(name)
            if hashlib.sha256(data).hexdigest() != name.rsplit("-", 1)[-1].removesuffix(".pt"):
                continue  # torn by a crash of the machine: the one before it is whole
            saved = torch.load(io.BytesIO(data), weights_only=True, map_location="cpu")
            _set_random_states(saved["random"])
            state: dict[str, Any] = saved["state"]
            return state
        return None

    def clear(self) -> None:
        """Remove every checkpoint."""
        if self._fs.exists(self._root):
            self._fs.rm(self._root, recursive=True)

    def _names(self) -> list[str]:
        self._fs.invalidate_cache()
        if not self._fs.exists(self._root):
            return []
        return sorted(name for name in self._fs.ls(self._root, detail=False) if name.endswith(".pt"))

    def _numbers(self) -> list[int]:
        return [int(name.rsplit("/", 1)[-1].split("-")[0]) for name in self._names()]

    def _prune(self) -> None:
        for name in self._names()[:-_KEEP]:
            self._fs.rm_file(name)


def _random_states() -> dict[str, Any]:
    import numpy
    import torch

    version, internal, gauss = random.getstate()
    kind, keys, position, has_gauss, cached = numpy.random.get_state(legacy=True)
    return {
        "python": [version, list(internal), gauss],
        "numpy": [kind, torch.from_numpy(numpy.asarray(keys, dtype="int64")), position, has_gauss, cached],
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }


def _set_random_states(states: dict[str, Any]) -> None:
    import numpy
    import torch

    version, internal, gauss = states["python"]
    random.setstate((version, tuple(internal), gauss))
    kind, keys, position, has_gauss, cached = states["numpy"]
    numpy.random.set_state((kind, keys.numpy().astype("uint32"), position, has_gauss, cached))
    torch.set_rng_state(states["torch"])
    if states["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(states["cuda"])
