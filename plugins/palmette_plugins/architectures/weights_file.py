"""Weights as safetensors: bool tensors bit-packed, tensors that share memory stored once.

What safetensors cannot say is in the file's metadata, as JSON under the key ``palmette``: ``packed`` (name -> shape of
a bool tensor whose bits are stored as uint8, most significant first) and ``aliases`` (name -> name of the tensor that
it shares memory with). It is one key because safetensors writes several in random order.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from palmette_plugins.api.errors import DataLoss, InvalidArgument

FILE_NAME = "weights.safetensors"
_METADATA = "palmette"


def weights_bytes(state: Mapping[str, Tensor]) -> bytes:
    """Return the file's bytes; equal states give equal bytes."""
    stored: dict[str, Tensor] = {}
    packed: dict[str, list[int]] = {}
    aliases: dict[str, str] = {}
    seen: dict[tuple[object, ...], str] = {}
    for name in sorted(state):
        tensor = state[name].detach()
        identity = (tensor.device, tensor.data_ptr(), tensor.dtype, tuple(tensor.shape), tensor.stride())
        if tensor.numel() and identity in seen:
            aliases[name] = seen[identity]
            continue
        seen[identity] = name
        if tensor.dtype == torch.bool:
            packed[name] = list(tensor.shape)
            stored[name] = _packed(tensor)
        else:
            # A clone, for tensors that overlap without being the same.
            stored[name] = tensor.cpu().clone(memory_format=torch.contiguous_format)
    return save(stored, {_METADATA: json.dumps({"packed": packed, "aliases": aliases}, sort_keys=True)})


def read_state(path: Path) -> dict[str, Tensor]:
    """Return the state that was written; raise `DataLoss` for a file that is not whole."""
    try:
        with safe_open(str(path), framework="pt") as file:
            metadata = json.loads((file.metadata() or {}).get(_METADATA, "{}"))
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
        for name, shape in metadata.get("packed", {}).items():
            state[name] = _unpacked(state[name], shape)
        for name, source in metadata.get("aliases", {}).items():
            state[name] = state[source]
    except (SafetensorError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise DataLoss(f"{path.name} is damaged: {error}") from None
    return state


def load_weights(module: nn.Module, path: Path | str) -> None:
    """Load a weights file into `module`, whose tensors must be those of the file, neither more nor fewer.

    Raises:
        InvalidArgument: The names or shapes differ (field ``weights``): the file belongs to another structure.
        DataLoss: The file is damaged.
    """
    state = read_state(Path(path))
    wanted = module.state_dict()
    missing, extra = sorted(set(wanted) - set(state)), sorted(set(state) - set(wanted))
    shapes = [
        f"{name} is {tuple(state[name].shape)}, not {tuple(wanted[name].shape)}"
        for name in wanted
        if name in state and state[name].shape != wanted[name].shape
    ]
    wrong = [f"no {name}" for name in missing] + [f"unexpected {name}" for name in extra] + shapes
    if wrong:
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise InvalidArgument.field("weights", f"do not fit the model's structure: {'; '.join(wrong[:3])}{more}")
    module.load_state_dict(state)


def _packed(tensor: Tensor) -> Tensor:
    return torch.from_numpy(np.packbits(tensor.cpu().numpy().reshape(-1)))


def _unpacked(bits: Tensor, shape: list[int]) -> Tensor:
    count = math.prod(shape)
    if bits.dtype != torch.uint8 or len(bits) != (count + 7) // 8:
        raise ValueError(f"{len(bits)} bytes for {count} bits")
    return torch.from_numpy(np.unpackbits(bits.numpy(), count=count).astype(bool)).reshape(shape)
