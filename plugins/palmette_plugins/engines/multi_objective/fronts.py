"""Fronts: which networks no other one beats in everything, and how much they cover together."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from pymoo.indicators.hv import HV
from pymoo.operators.survival.rank_and_crowding.metrics import calc_crowding_distance
from pymoo.util.nds.non_dominated_sorting import NonDominatedSorting

from palmette_plugins.engines.multi_objective.objectives import Floats

Indices = NDArray[np.int64]


def fronts(losses: Floats) -> list[Indices]:
    """Return the indices of the first, second, ... front of (N, objectives), each in rising order."""
    if not len(losses):
        return []
    return [np.sort(np.asarray(front)) for front in NonDominatedSorting().do(losses)]


def first_front(losses: Floats, feasible: NDArray[np.bool_] | None = None) -> Indices:
    """Return the non-dominated rows among the feasible ones, in rising order."""
    among = np.arange(len(losses)) if feasible is None else np.flatnonzero(feasible)
    return among[fronts(losses[among])[0]] if len(among) else among


def ranked(losses: Floats) -> Indices:
    """Return all rows, better fronts first and lonelier ones first within a front."""
    order = []
    for front in fronts(losses):
        crowding = calc_crowding_distance(losses[front])
        order.append(front[np.argsort(-crowding, kind="stable")])
    return np.concatenate(order) if order else np.zeros(0, dtype=np.int64)


def hypervolume(losses: Floats, reference: Floats) -> float:
    """Return the volume between a set of points and the reference point; points beyond it add nothing."""
    if not len(losses):
        return 0.0
    return float(HV(ref_point=reference)(losses))


def hypervolume_curve(losses: Floats, reference: Floats, feasible: NDArray[np.bool_]) -> list[float]:
    """Return the hypervolume of the first 1, 2, ... rows; it never falls."""
    curve, kept = [], np.zeros((0, losses.shape[1]))
    for row, allowed in zip(losses, feasible, strict=True):
        if allowed:
            kept = np.concatenate([kept, row[None]])
            kept = kept[first_front(kept)]
            curve.append(hypervolume(kept, reference))
        else:
            curve.append(curve[-1] if curve else 0.0)
    return curve


def knee(losses: Floats) -> int:
    """Return the row of a front that is nearest to the ideal point when every objective spans 0 to 1."""
    low, high = losses.min(axis=0), losses.max(axis=0)
    spans = np.where(high > low, high - low, 1.0)
    return int(np.argmin(np.linalg.norm((losses - low) / spans, axis=1)))


def overlap(first: Iterable[object], second: Iterable[object]) -> float:
    """Return the share of two fronts' networks that both have, from 0 to 1 (Jaccard)."""
    a, b = set(first), set(second)
    return len(a & b) / len(a | b) if a | b else 1.0
