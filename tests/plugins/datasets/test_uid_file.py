"""DataComp's subset file."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from palmette_plugins.datasets.uid_file import DTYPE, UidSet, write_uids

uids = st.integers(0, (1 << 128) - 1).map(lambda number: f"{number:032x}")


def test_the_file_is_what_datacomp_reads(tmp_path: Path) -> None:
    names = ["ffffffffffffffff0000000000000001", "00000000000000010000000000000002", "0000000000000001ffffffffffffffff"]
    write_uids(tmp_path / "subset.npy", names)
    array = np.load(tmp_path / "subset.npy")
    assert array.dtype == np.dtype("u8,u8") == DTYPE
    assert array.tolist() == [(1, 2), (1, (1 << 64) - 1), ((1 << 64) - 1, 1)]
    assert np.array_equal(array, np.array([(int(u[:16], 16), int(u[16:32], 16)) for u in sorted(names)], DTYPE))


@given(st.lists(uids, max_size=40), uids)
def test_a_set_holds_what_was_written(names: list[str], other: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write_uids(Path(folder) / "subset.npy", names)
        found = UidSet(Path(folder) / "subset.npy")
        assert len(found) == len(names)
        assert all(name in found for name in names)
        assert (other in found) == (other in names)
