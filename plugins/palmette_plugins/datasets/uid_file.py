"""The subset file of DataComp: sorted 128-bit uids, each two unsigned 64-bit halves, in a ``.npy`` file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

DTYPE = np.dtype("u8,u8")


def uid_array(uids: Iterable[str]) -> NDArray[np.void]:
    """Return uids (32 hexadecimal digits each) as a sorted structured array."""
    array = np.array([(int(uid[:16], 16), int(uid[16:], 16)) for uid in uids], DTYPE)
    array.sort()
    return array


def write_uids(path: Path, uids: Iterable[str]) -> None:
    """Write the subset file; 16 bytes for each uid are held in memory."""
    with path.open("wb") as stream:
        np.save(stream, uid_array(uids), allow_pickle=False)


class UidSet:
    """The uids of a subset file, mapped and searched where they lie."""

    def __init__(self, path: Path) -> None:
        self._array: NDArray[np.void] = np.load(path, mmap_mode="r", allow_pickle=False)

    def __len__(self) -> int:
        return len(self._array)

    def digest(self) -> str:
        """Return the SHA-256 (hex) of the uids."""
        return hashlib.sha256(self._array.tobytes()).hexdigest()

    def __contains__(self, uid: str) -> bool:
        high, low = int(uid[:16], 16), int(uid[16:], 16)
        first, beyond = 0, len(self._array)
        while first < beyond:
            middle = (first + beyond) // 2
            here = self._array[middle]
            if (int(here[0]), int(here[1])) < (high, low):
                first = middle + 1
            else:
                beyond = middle
        if first == len(self._array):
            return False
        found = self._array[first]
        return (int(found[0]), int(found[1])) == (high, low)
