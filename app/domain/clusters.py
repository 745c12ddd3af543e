"""Clusters of near texts while they grow: which pairs are worth counting out, and whose clusters become one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.domain.shingles import CELLS, blocks, shared_grams

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from app.domain.shingles import Flags, Numbers
    from app.domain.sketches import Sketches

_SCANNED = 1 << 15  # pairs found by scanning that are settled together


class Clusters:
    """Everybody's cluster, by rank: `of` is equal within one and differs between two."""

    def __init__(self, texts: Sequence[str], sketches: Sketches) -> None:
        import numpy as np

        self.texts = texts
        self.sketches = sketches
        self.of = np.arange(len(texts), dtype=np.int32)
        self._members = {rank: [rank] for rank in range(len(texts))}
        self._bits = np.empty(len(texts), np.uint64)

    def settle(self, left: Numbers, right: Numbers) -> None:
        """Merge the clusters of every near pair among these ranks; pairs may come in any order and repetition."""
        import numpy as np

        for may_be_near in (self._apart, self._near_at_a_glance, self._near_by_maps):
            kept = np.flatnonzero(may_be_near(left, right))
            left, right = left[kept], right[kept]
        left, right = np.divmod(np.unique(left * np.int64(len(self.texts)) + right), len(self.texts))
        at_most = 1
        while len(left):
            chosen = self._few_of_each(left, right, at_most)
            near = chosen[self._near(left[chosen], right[chosen])]
            for rank, other in zip(left[near].tolist(), right[near].tolist(), strict=True):
                self._merge(rank, other)
            left, right = np.delete(left, chosen), np.delete(right, chosen)
            apart = self._apart(left, right)
            left, right = left[apart], right[apart]
            at_most *= 2

    def scan(self, ranks: Numbers) -> None:
        """Merge the cluster of each of these with those of all near texts that come before it."""
        import numpy as np

        lowest = np.searchsorted(self.sketches.sizes, 4 * self.sketches.sizes // 5 + 1)
        left: list[Numbers] = []
        right: list[Numbers] = []
        waiting = 0
        for rank in ranks.tolist():
            others = self._scan(rank, int(lowest[rank]))
            left.append(np.full(len(others), rank))
            right.append(others)
            waiting += len(others)
            if waiting > _SCANNED or rank == ranks[-1]:
                self.settle(np.concatenate(left), np.concatenate(right))
                left, right, waiting = [], [], 0

    def _scan(self, rank: int, lowest: int) -> Numbers:
        """Whoever from `lowest` to below this rank may be near it and is of another cluster."""
        import numpy as np

        glance = self.sketches.glance
        narrow = np.uint8 if len(glance) <= 4 else np.uint16  # 256 may wrap to 0, which only lets a pair pass
        differing: NDArray[np.unsignedinteger] = np.zeros(rank - lowest, narrow)
        bits = self._bits[: rank - lowest]
        for word in glance:
            np.bitwise_xor(word[lowest:rank], word[rank], out=bits)
            differing += np.bitwise_count(bits)
        limit = min(2 * int(self.sketches.sizes[rank]) // 9, 255 if narrow is np.uint8 else 65_535)
        others = np.flatnonzero(differing <= limit) + lowest
        apart: Numbers = others[self.of[others] != self.of[rank]]
        return apart

    def _apart(self, left: Numbers, right: Numbers) -> Flags:
        apart: Flags = self.of.take(left) != self.of.take(right)
        return apart

    def _near_at_a_glance(self, left: Numbers, right: Numbers) -> Flags:
        import numpy as np

        differing = np.zeros(len(left), np.int32)
        for word in self.sketches.glance:
            differing += np.bitwise_count(word.take(left) ^ word.take(right))
        return self._below_limit(differing, left, right)

    def _near_by_maps(self, left: Numbers, right: Numbers) -> Flags:
        import numpy as np

        maps = self.sketches.maps
        step = max(1, CELLS // maps.shape[1])
        differing = np.zeros(len(left), np.float32)
        ones = np.ones(maps.shape[1], np.float32)
        for first in range(0, len(left), step):
            some = slice(first, first + step)
            bits = maps.take(left[some], axis=0) ^ maps.take(right[some], axis=0)
            differing[some] = np.bitwise_count(bits).astype(np.float32) @ ones
        return self._below_limit(differing.astype(np.int32), left, right)

    def _below_limit(self, differing: Numbers, left: Numbers, right: Numbers) -> Flags:
        """Jaccard > 0.8 leaves less than a ninth of both sizes together to what only one of the texts has."""
        sizes = self.sketches.sizes
        return 9 * differing < sizes.take(left) + sizes.take(right)

    def _few_of_each(self, left: Numbers, right: Numbers, at_most: int) -> Numbers:
        """Places of a few pairs for each smaller cluster, and between each two: one that is near spares many."""
        import numpy as np

        ours, theirs = self.of.take(left), self.of.take(right)
        members = np.bincount(self.of)
        swap = members[ours] > members[theirs]
        ours, theirs = np.where(swap, theirs, ours), np.where(swap, ours, theirs)
        between = ours * np.int64(len(self.texts)) + theirs
        order = np.argsort(between, kind="stable")
        order = order[_place_in_run(between[order]) < at_most]
        return order[_place_in_run(ours[order]) < at_most]

    def _near(self, left: Numbers, right: Numbers) -> Flags:
        """Which of these pairs are near, counted out in full."""
        import numpy as np

        sizes, order = self.sketches.sizes, self.sketches.order
        ours = [self.texts[index] for index in order.take(left)]
        theirs = [self.texts[index] for index in order.take(right)]
        lengths = np.fromiter(map(max, map(len, ours), map(len, theirs)), np.int64, len(left))
        near = np.zeros(len(left), np.bool_)
        for block in blocks(lengths):
            shared = shared_grams([ours[k] for k in block], [theirs[k] for k in block], self.sketches.alphabet)
            near[block] = 9 * shared > 4 * (sizes.take(left[block]) + sizes.take(right[block]))
        return near

    def _merge(self, rank: int, other: int) -> None:
        into, gone = int(self.of[rank]), int(self.of[other])
        if into == gone:
            return
        if len(self._members[into]) < len(self._members[gone]):
            into, gone = gone, into
        moved = self._members.pop(gone)
        self.of[moved] = into
        self._members[into].extend(moved)


def _place_in_run(values: Numbers) -> Numbers:
    """For values that stand by their equals, the place of each among them, from 0."""
    import numpy as np

    starts = np.flatnonzero(np.diff(values, prepend=-1))
    return np.arange(len(values)) - np.repeat(starts, np.diff(starts, append=len(values)))
