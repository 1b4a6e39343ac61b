"""Weights as safetensors: bool tensors bit-packed, zeros left out, tensors that share memory stored once.

What safetensors cannot say is in the file's metadata, as JSON under the key ``palmette``:

- ``packed``: name -> shape of a bool tensor whose bits are stored as uint8, most significant first;
- ``sparse``: name -> ``{"mask": other}`` or ``{"nonzeros": other}``: only the values at the places where the bool
  tensor `other` is True are stored, flat and in order; the rest is 0. A mask is part of the state, nonzeros are not;
- ``aliases``: name -> name of the tensor that it shares memory with.

It is one key because safetensors writes several in random order. `read_state` undoes all three; files without
``sparse`` are read as well.
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
from palmette_plugins.architectures.sparse_tensors import gathered, scattered, worth_masking, worthwhile_nonzeros

FILE_NAME = "weights.safetensors"
_METADATA = "palmette"


def weights_bytes(state: Mapping[str, Tensor]) -> bytes:
    """Return the file's bytes; equal states give equal bytes."""
    aliases = _aliases(state)
    # A clone, for tensors that overlap without being the same.
    stored = {
        name: state[name].detach().cpu().clone(memory_format=torch.contiguous_format)
        for name in sorted(state)
        if name not in aliases
    }
    sparse = _thinned(stored, aliases)
    packed = {name: list(tensor.shape) for name, tensor in stored.items() if tensor.dtype == torch.bool}
    stored |= {name: _packed(stored[name]) for name in packed}
    metadata = {"packed": packed, "sparse": sparse, "aliases": aliases}
    return save(stored, {_METADATA: json.dumps(metadata, sort_keys=True)})


def read_state(path: Path) -> dict[str, Tensor]:
    """Return the state that was written; raise `DataLoss` for a file that is not whole."""
    try:
        with safe_open(str(path), framework="pt") as file:
            metadata = json.loads((file.metadata() or {}).get(_METADATA, "{}"))
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
        for name, shape in metadata.get("packed", {}).items():
            state[name] = _unpacked(state[name], shape)
        _fill(state, metadata.get("sparse", {}))
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


def _aliases(state: Mapping[str, Tensor]) -> dict[str, str]:
    """Return the tensors that are others under a second name, with the first of those names."""
    aliases: dict[str, str] = {}
    seen: dict[tuple[object, ...], str] = {}
    for name in sorted(state):
        tensor = state[name]
        identity = (tensor.device, tensor.data_ptr(), tensor.dtype, tuple(tensor.shape), tensor.stride())
        if tensor.numel() and seen.setdefault(identity, name) != name:
            aliases[name] = seen[identity]
    return aliases


def _thinned(stored: dict[str, Tensor], aliases: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Leave zeros out of `stored` where that makes the file smaller; return what to say of it in the metadata."""
    sparse: dict[str, dict[str, str]] = {}
    taken: set[str] = set()
    for name, tensor in list(stored.items()):
        mask = aliases.get(f"{name}_mask", f"{name}_mask")
        if mask not in taken and worth_masking(tensor, stored.get(mask)):
            taken.add(mask)
            sparse[name] = {"mask": mask}
            stored[name] = gathered(tensor, stored[mask])
        elif (nonzeros := worthwhile_nonzeros(tensor)) is not None:
            other = f"{name}_nonzeros"
            while other in stored or other in aliases:
                other += "_"
            sparse[name] = {"nonzeros": other}
            stored |= {name: gathered(tensor, nonzeros), other: nonzeros}
    return sparse


def _fill(state: dict[str, Tensor], sparse: Mapping[str, Mapping[str, str]]) -> None:
    taken: set[str] = set()
    for name, places in sparse.items():
        ((kind, other),) = places.items()
        # Once for each: else a small file could name one large mask often, and fill the memory with zeros.
        if kind not in ("mask", "nonzeros") or other in taken:
            raise ValueError(f"'{name}' cannot be filled from {places}")
        taken.add(other)
        state[name] = scattered(state[name], state[other])
        if kind == "nonzeros":
            del state[other]


def _packed(tensor: Tensor) -> Tensor:
    return torch.from_numpy(np.packbits(tensor.cpu().numpy().reshape(-1)))


def _unpacked(bits: Tensor, shape: list[int]) -> Tensor:
    count = math.prod(shape)
    if bits.dtype != torch.uint8 or len(bits) != (count + 7) // 8:
        raise ValueError(f"{len(bits)} bytes for {count} bits")
    return torch.from_numpy(np.unpackbits(bits.numpy(), count=count).astype(bool)).reshape(shape)
