"""Pairs of texts that share a gram where near texts must share one, read off the lists of each gram's owners."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.domain.sketches import Entries

if TYPE_CHECKING:
    from app.domain.shingles import Flags, Numbers

_PAIRS = 1 << 19  # looked at together
_STITCHES = 1 << 15  # fewer at first, while most of them become one cluster
_HIT_COST = 20  # a pair from a list costs as much as scanning this many neighbours in size
_SCAN_COST = 1000  # what starting a scan costs, in neighbours


@dataclass(frozen=True)
class Index:
    """Entries in which the text with fewer grams must be found, twice over: by owner, then by the owner's cluster.

    `reach` is, beside each owner, four times the size from which on a text is too long to be near it. `by_owner` and
    `by_cluster` are the ascending keys of the two halves: gram number times `texts`, plus owner or cluster.
    """

    owners: Numbers
    reach: Numbers
    by_owner: Numbers
    by_cluster: Numbers
    texts: int


@dataclass(frozen=True)
class Stretches:
    """Stretch k of the index, from `starts[k]` to before `ends[k]`, holds texts that `seekers[k]` may be near."""

    seekers: Numbers
    starts: Numbers
    ends: Numbers

    def only(self, kept: Flags | Numbers) -> Stretches:
        return Stretches(self.seekers[kept], self.starts[kept], self.ends[kept])


def neighbours(entries: Entries, sizes: Numbers) -> Iterator[tuple[Numbers, Numbers]]:
    """Pairs that follow one another in a list: where a list is one cluster, they stitch it together cheaply."""
    import numpy as np

    index = _indexed(entries, sizes)
    follows = np.flatnonzero(index.grams[1:] == index.grams[:-1])
    for first in range(0, len(follows), _STITCHES):
        places = follows[first : first + _STITCHES]
        yield index.owners[places + 1], index.owners[places]


def unsettled(entries: Entries, clusters: Numbers) -> Entries:
    """Without the lists whose owners are all of one cluster already."""
    import numpy as np

    starts = np.flatnonzero(np.diff(entries.grams, prepend=-1))
    if not len(starts):
        return entries
    found = clusters.take(entries.owners)
    mixed = np.minimum.reduceat(found, starts) != np.maximum.reduceat(found, starts)
    return entries.only(np.repeat(mixed, np.diff(starts, append=len(found))))


def make_index(entries: Entries, sizes: Numbers, clusters: Numbers) -> Index:
    import numpy as np

    short = _indexed(entries, sizes)
    owned = clusters.take(short.owners)
    order = np.lexsort((owned, short.grams))
    reach = 5 * sizes.take(short.owners) - 9 * short.places
    base = short.grams * np.int64(len(sizes))
    return Index(
        owners=np.concatenate((short.owners, short.owners[order])),
        reach=np.concatenate((reach, reach[order])),
        by_owner=base + short.owners,
        by_cluster=base + owned[order],  # grams ascend in both orders
        texts=len(sizes),
    )


def stretches(entries: Entries, index: Index, sizes: Numbers, clusters: Numbers) -> tuple[Stretches, Numbers]:
    """Where every text finds those it may be near; and the ranks of those for which a scan of all similar sizes is cheaper.

    `sizes` ascend by rank; `clusters` names everybody's cluster. Only pairs of different clusters need to be found.
    """
    import numpy as np

    parts = [
        part
        for first in range(0, len(entries.grams), _PAIRS)
        for part in _found(entries.only(slice(first, first + _PAIRS)), index, sizes, clusters)
    ]
    if not parts:
        return Stretches(*(np.empty(0, np.int32),) * 3), np.empty(0, np.int32)
    columns = zip(*((part.seekers, part.starts, part.ends) for part in parts), strict=True)
    found = Stretches(*(np.concatenate(column) for column in columns))
    lowest = np.searchsorted(sizes, 4 * sizes // 5 + 1)
    hits = np.bincount(found.seekers, found.ends - found.starts, len(sizes))
    crowded = hits * _HIT_COST > np.arange(len(sizes)) - lowest + _SCAN_COST
    found = found.only(~crowded[found.seekers])
    return found.only(np.argsort(found.seekers, kind="stable")), np.flatnonzero(crowded)


def pairs(found: Stretches, index: Index, sizes: Numbers) -> Iterator[tuple[Numbers, Numbers]]:
    """Every text with those it may be near, about half a million pairs at a time."""
    import numpy as np

    lengths = found.ends - found.starts
    reached = np.concatenate(([0], np.cumsum(lengths, dtype=np.int64)))
    first = 0
    while first < len(lengths):
        last = max(first + 1, int(np.searchsorted(reached, reached[first] + _PAIRS, "right")) - 1)
        block = lengths[first:last]
        shift = found.starts[first:last] - (reached[first:last] - reached[first])
        places = np.arange(reached[last] - reached[first]) + np.repeat(shift, block)
        left = np.repeat(found.seekers[first:last], block)
        kept = np.flatnonzero(index.reach.take(places) > 4 * sizes.take(left))
        yield left.take(kept), index.owners.take(places.take(kept))
        first = last


def _indexed(entries: Entries, sizes: Numbers) -> Entries:
    """Where the smaller text y must show the first common gram: 9 (|y| - j) > 4 (|x| + |y|) with |x| >= |y|."""
    return entries.only(9 * entries.places < sizes.take(entries.owners))


def _found(entries: Entries, index: Index, sizes: Numbers, clusters: Numbers) -> Iterator[Stretches]:
    """For each entry the owners of the same gram of fitting size, or those of other clusters where these are fewer."""
    import numpy as np

    half = len(index.by_owner)
    base = entries.grams * np.int64(index.texts)
    size = sizes.take(entries.owners)
    lowest = np.searchsorted(sizes, 4 * size // 5 + 1)
    too_long = -(-(5 * size - 9 * entries.places) // 4)
    highest = np.minimum(entries.owners, np.searchsorted(sizes, too_long))
    starts = np.searchsorted(index.by_owner, base + lowest)
    ends = np.searchsorted(index.by_owner, base + highest)
    own = base + clusters.take(entries.owners)
    before, own_first, own_last, after = (
        np.searchsorted(index.by_cluster, key) + half for key in (base, own, own + 1, base + index.texts)
    )
    fewer = (own_first - before) + (after - own_last) < ends - starts
    for first, last in (
        (np.where(fewer, before, starts), np.where(fewer, own_first, ends)),
        (own_last, np.where(fewer, after, own_last)),
    ):
        used = last > first
        yield Stretches(entries.owners[used], first[used].astype(np.int32), last[used].astype(np.int32))
