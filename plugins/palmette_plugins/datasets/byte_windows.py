"""Texts as byte-level language-modelling datasets: windows over one stream of bytes, split by position."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from palmette_plugins.api.data import DataInfo, Dataset
from palmette_plugins.api.errors import InvalidArgument
from palmette_plugins.datasets.fingerprint import fingerprint
from palmette_plugins.datasets.limits import LimitParameters, limited_sizes
from palmette_plugins.datasets.tensor_split import TensorSplit
from palmette_plugins.tasks.language_modelling import LanguageModelling

_SPLITS = ("train", "validation", "test")
_FRACTIONS = (0.8, 0.1)  # of the bytes: train, then validation; the test split is the end of the text
_MOST_BYTES = 256 * 2**20


class TextParameters(LimitParameters):
    """Parameters of every text dataset; the limits count windows of `context` tokens, from the start of a split."""

    context: int = Field(128, ge=2, le=8192, description="tokens (bytes) in one input")


@dataclass(frozen=True)
class _Layout:
    """Where the splits lie in the stream: (first byte, windows) by name."""

    parts: dict[str, tuple[int, int]]
    context: int

    def sizes(self) -> dict[str, int]:
        return {name: windows for name, (_, windows) in self.parts.items()}


def describe_windows(reference: str, size_bytes: int, parameters: TextParameters) -> DataInfo:
    """Return what is known of a text of `size_bytes`.

    Raises:
        InvalidArgument: Too short for a window in every split or for a limit, or longer than memory should hold.
    """
    return _info(reference, _layout(reference, size_bytes, parameters))


def load_windows(reference: str, text: bytes, parameters: TextParameters) -> Dataset:
    """Return the dataset of a text; raises what `describe_windows` raises."""
    layout = _layout(reference, len(text), parameters)
    stream = np.frombuffer(text, np.uint8)
    arrays = {name: (_windows(stream, *part, parameters.context),) for name, part in layout.parts.items()}
    return Dataset(
        info=_info(reference, layout),
        task=LanguageModelling(),
        splits={name: _split(windows) for name, (windows,) in arrays.items()},
        fingerprint=fingerprint(arrays),
    )


def _layout(reference: str, size_bytes: int, parameters: TextParameters) -> _Layout:
    context = parameters.context
    if size_bytes > _MOST_BYTES:
        raise InvalidArgument.field(
            "reference", f"'{reference}' is {size_bytes:,} bytes; texts of more than {_MOST_BYTES:,} are not supported"
        )
    bounds = [0, *(round(size_bytes * share) for share in np.cumsum(_FRACTIONS)), size_bytes]
    # A window needs one byte more than its context: the last target.
    windows = [max(0, (stop - start - 1) // context) for start, stop in pairwise(bounds)]
    if min(windows) == 0:
        needed = round((context + 2) / (1 - sum(_FRACTIONS)))
        raise InvalidArgument.field(
            "reference",
            f"'{reference}' has {size_bytes:,} bytes; with context={context} it needs at least {needed:,}",
        )
    kept = limited_sizes(dict(zip(_SPLITS, windows, strict=True)), parameters)
    return _Layout({name: (start, kept[name]) for name, start in zip(_SPLITS, bounds, strict=False)}, context)


def _windows(stream: NDArray[np.uint8], start: int, count: int, context: int) -> NDArray[np.uint8]:
    """Return (count, context + 1) bytes; the last byte of a window is the first of the next."""
    views = np.lib.stride_tricks.sliding_window_view(stream[start : start + count * context + 1], context + 1)
    return views[::context]


def _split(windows: NDArray[np.uint8]) -> TensorSplit:
    tokens = torch.from_numpy(windows.astype(np.int64))
    return TensorSplit(tokens[:, :-1], tokens[:, 1:])


def _info(reference: str, layout: _Layout) -> DataInfo:
    return DataInfo(
        reference=reference,
        task=LanguageModelling.name,
        sizes=layout.sizes(),
        input_shape=(layout.context,),
        input_dtype="int64",
        vocabulary_size=256,
        preprocessing={"encoding": "bytes"},
    )
