"""What a full disk means to a user."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from palmette_plugins.api.errors import ResourceExhausted


@contextmanager
def disk_errors(doing: str) -> Iterator[None]:
    """Turn a full disk into `ResourceExhausted` that says what was being done."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise ResourceExhausted(f"no space left on the disk while {doing}; free some space, then retry") from error
        raise
