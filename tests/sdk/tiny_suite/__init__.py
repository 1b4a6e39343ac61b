"""A suite small enough to see through: real gRPC, everything in memory, faults on demand."""

from tests.sdk.tiny_suite.suite import TinySuite

__all__ = ["TinySuite"]
