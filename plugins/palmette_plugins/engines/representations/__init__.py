"""Representations: what the layers of two networks have in common.

`taps` finds and records layer outputs, `similarity` compares two of them, `pairing` says which layers belong
together, `comparison` compares all with all.
"""

from palmette_plugins.engines.representations.comparison import Comparison, compare
from palmette_plugins.engines.representations.pairing import Collisions, Pair, spread_pairs
from palmette_plugins.engines.representations.similarity import Distance, linear_cka, rsa_similarity
from palmette_plugins.engines.representations.taps import Recorder, tap_names

__all__ = [
    "Collisions",
    "Comparison",
    "Distance",
    "Pair",
    "Recorder",
    "compare",
    "linear_cka",
    "rsa_similarity",
    "spread_pairs",
    "tap_names",
]
