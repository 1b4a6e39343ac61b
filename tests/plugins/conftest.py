"""For all tests of plugins: property tests that are the same every time, and nothing of the user's touched."""

import pytest
import torch
from hypothesis import settings

# The machine may be busy: no deadline for a single example.
settings.register_profile("plugins", deadline=None, derandomize=True, database=None, max_examples=50)
settings.load_profile("plugins")


@pytest.fixture(scope="session", autouse=True)
def _own_folders(tmp_path_factory):
    """Point caches and data folders below the session's temporary folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
        yield


@pytest.fixture(autouse=True)
def _one_thread():
    """Compute on one thread: threads that wait for each other on a busy machine make small work slow.

    A job takes all cores again, as it does for users.
    """
    torch.set_num_threads(1)
