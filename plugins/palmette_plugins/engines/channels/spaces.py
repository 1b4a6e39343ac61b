"""Sets of nodes that must be kept or removed together, joined while a forward pass is followed."""

from __future__ import annotations


class Spaces:
    """A union-find over channel spaces.

    A space is what a layer's outputs make: one channel (or feature) per node. An addition joins two spaces: their
    channels are the same nodes from then on.
    """

    def __init__(self) -> None:
        self._parent: list[int] = []
        self._size: list[int] = []
        self._fixed: list[bool] = []
        self._blocked: list[str] = []

    def new(self, size: int = 0, *, fixed: bool = False) -> int:
        """Return a new space of `size` nodes (0 = unknown); a `fixed` one must keep them all."""
        self._parent.append(len(self._parent))
        self._size.append(size)
        self._fixed.append(fixed)
        self._blocked.append("")
        return len(self._parent) - 1

    def find(self, space: int) -> int:
        """Return the representative of a space."""
        while self._parent[space] != space:
            self._parent[space] = self._parent[self._parent[space]]
            space = self._parent[space]
        return space

    def join(self, first: int, second: int, where: str) -> int:
        """Make two spaces one; `where` is named when their sizes differ. Return the representative."""
        keep, gone = sorted((self.find(first), self.find(second)))
        if keep == gone:
            return keep
        sizes = {self._size[keep], self._size[gone]} - {0}
        self._parent[gone] = keep
        self._fixed[keep] |= self._fixed[gone]
        self._blocked[keep] = self._blocked[keep] or self._blocked[gone]
        if len(sizes) > 1:
            self.block(keep, where)
        self._size[keep] = max(self._size[keep], self._size[gone])
        return keep

    def fix(self, space: int) -> None:
        """Say that every node of a space must stay."""
        self._fixed[self.find(space)] = True

    def block(self, space: int, where: str) -> None:
        """Say that the nodes of a space cannot be followed beyond `where`."""
        root = self.find(space)
        self._blocked[root] = self._blocked[root] or where

    def size(self, space: int) -> int:
        """Return its number of nodes; 0 while unknown."""
        return self._size[self.find(space)]

    def is_fixed(self, space: int) -> bool:
        """Tell whether all its nodes must stay."""
        return self._fixed[self.find(space)]

    def blocked(self, space: int) -> str:
        """Return where its nodes cannot be followed; empty where they can."""
        return self._blocked[self.find(space)]
