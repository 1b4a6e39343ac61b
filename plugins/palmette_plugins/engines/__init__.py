"""Machinery that many methods share: training, masks, evaluation, profiling."""
