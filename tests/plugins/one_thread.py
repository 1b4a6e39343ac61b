"""For tests of whole jobs on tiny networks."""

from collections.abc import Iterator

import pytest
import torch


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Compute on one thread: two do not pay for tensors as small as these.

    A job asks the system how many cores it has; the answer decides how sums are rounded.
    """
    before = torch.get_num_threads()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.sched_getaffinity", lambda _: {0})
        torch.set_num_threads(1)
        yield
    torch.set_num_threads(before)
