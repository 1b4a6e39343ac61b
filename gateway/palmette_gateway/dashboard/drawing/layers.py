"""Places for the nodes of an acyclic graph: in columns from parents to children, with few crossings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

Edge = tuple[str, str]
_SWEEPS = 4


def layers(nodes: Sequence[str], edges: Iterable[Edge]) -> list[list[str]]:
    """Return the nodes in columns; every edge goes from an earlier column to a later one.

    A node stands one column after the last of its parents. Within a column nodes are ordered by the mean place of
    their neighbours, in a few sweeps to and fro (the barycentre heuristic).

    Args:
        nodes: Names, each once.
        edges: (parent, child); those that mention unknown nodes, and those that would close a circle, are left out.
    """
    known = set(nodes)
    parents: dict[str, list[str]] = defaultdict(list)
    children: dict[str, list[str]] = defaultdict(list)
    for parent, child in edges:
        if parent in known and child in known and parent != child:
            parents[child].append(parent)
            children[parent].append(child)
    columns: dict[int, list[str]] = defaultdict(list)
    for node, column in _columns(nodes, parents).items():
        columns[column].append(node)
    ordered = [columns[column] for column in sorted(columns)]
    for sweep in range(_SWEEPS):
        _sweep(ordered if sweep % 2 == 0 else ordered[::-1], parents if sweep % 2 == 0 else children)
    return ordered


def _columns(nodes: Sequence[str], parents: Mapping[str, Sequence[str]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for start in nodes:
        stack = [(start, frozenset([start]))]
        while stack:
            node, path = stack[-1]
            missing = [parent for parent in parents.get(node, ()) if parent not in found and parent not in path]
            if missing:
                stack.append((missing[0], path | {missing[0]}))
                continue
            stack.pop()
            found.setdefault(node, 1 + max((found[p] for p in parents.get(node, ()) if p in found), default=-1))
    return found


def _sweep(columns: Sequence[list[str]], neighbours: Mapping[str, Sequence[str]]) -> None:
    place: dict[str, float] = {}
    for column in columns:
        before = {node: position for position, node in enumerate(column)}

        def mean(node: str, before: Mapping[str, int] = before) -> float:
            seen = [place[other] for other in neighbours.get(node, ()) if other in place]
            return sum(seen) / len(seen) if seen else before[node]

        column.sort(key=mean)
        place.update({node: position for position, node in enumerate(column)})
