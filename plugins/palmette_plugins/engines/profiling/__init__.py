"""Profiling: what a model costs, layer by layer, and how long it takes."""

from palmette_plugins.engines.profiling.latency import measure_latency
from palmette_plugins.engines.profiling.layers import LayerProfile, Totals, profile_layers, totals

__all__ = ["LayerProfile", "Totals", "measure_latency", "profile_layers", "totals"]
