"""For tests of whole jobs on tiny networks."""

from tests.plugins.one_thread import one_thread  # noqa: F401 - a fixture
