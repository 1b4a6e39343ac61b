"""Points in time as the database stores them: microseconds since 1970, UTC."""

from __future__ import annotations

import time

from google.protobuf.timestamp_pb2 import Timestamp


def now_us() -> int:
    """Return the current time."""
    return time.time_ns() // 1000


def timestamp(time_us: int) -> Timestamp:
    """Return the time as a protobuf message."""
    return Timestamp(seconds=time_us // 1_000_000, nanos=time_us % 1_000_000 * 1000)
