"""What the search for near texts knows of each text: its size, its rarest grams, and two maps of all its grams."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.domain.shingles import Alphabet, blocks, distinct_grams, mixed, read_alphabet

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from app.domain.shingles import Flags, Numbers, Words

_COMMON = 65_534  # counts are clipped here, so that ordering them is a sort of 16-bit numbers
_SAMPLE = 4096
_TAKEN_COST = 5  # 64 bits of maps that lie apart cost as much as this many 64 bits side by side
_MAP_BYTES = 64_000_000  # of all maps together


@dataclass(frozen=True)
class Entries:
    """Grams in the prefixes of texts: by gram number, then owner (a rank); `places` count from the rarest gram, 0."""

    grams: Numbers
    owners: Numbers
    places: Numbers

    def only(self, kept: Flags | slice) -> Entries:
        return Entries(self.grams[kept], self.owners[kept], self.places[kept])


@dataclass(frozen=True)
class Sketches:
    """Texts by rank: ordered by their number of different grams. `order[rank]` is the text's index.

    `maps[rank]` has one bit for each hash of a gram, flipped by every gram that falls on it, so that every bit in which
    two maps differ is a gram that one of the two texts lacks. `glance` holds the same maps folded to fewer bits, one
    row for each 64 of them.
    """

    alphabet: Alphabet
    order: Numbers
    sizes: Numbers
    maps: Words
    glance: Words


def sketch(texts: Sequence[str]) -> tuple[Sketches, Entries]:
    """The sketches of these texts, and every gram that stands in the prefixes of two or more of them."""
    import numpy as np

    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    alphabet = read_alphabet(texts)
    counts = _bucket_counts(texts, lengths, alphabet)
    maps = np.zeros((len(texts), _map_words(lengths)), np.uint64)
    sizes = np.zeros(len(texts), np.int32)
    found = [_read(texts, block, alphabet, counts, sizes, maps) for block in blocks(lengths)]
    order = np.argsort(sizes, kind="stable")
    rank = np.empty(len(order), np.int32)
    rank[order] = np.arange(len(order))
    entries = _numbered(found, rank)
    maps = maps[order]
    return Sketches(alphabet, order, sizes[order], maps, _glance(maps, sizes[order])), entries


def prefix_length(sizes: Numbers) -> Numbers:
    """How many of its rarest grams a text must show, so that no shorter near text is missed.

    Two sets with Jaccard > 0.8 share o grams with 9 o > 4 (|x| + |y|). If their first common gram in the global order
    stands at place i of x, then o <= |x| - i; as |y| > 0.8 |x|, this leaves i < (5 |x| - 4 |y|) / 9.
    """
    least = 4 * sizes // 5 + 1
    return (5 * sizes - 4 * least + 8) // 9


def _bucket_counts(texts: Sequence[str], lengths: Numbers, alphabet: Alphabet) -> NDArray[np.uint16]:
    """How many texts hold the grams of each hash bucket, clipped: any fixed order is right, rarest first is fast."""
    import numpy as np

    bits = int(lengths.sum()).bit_length()
    counts = np.zeros(1 << min(bits, max(22, bits - 3)), np.int32)
    for block in blocks(lengths):
        grams, first = distinct_grams([texts[index] for index in block], alphabet)
        buckets = _buckets(mixed(grams[first]), len(counts))
        np.add.at(counts, buckets, np.ones(len(buckets), np.int32))
    return np.minimum(counts, _COMMON).astype(np.uint16)


def _buckets(hashes: Words, buckets: int) -> Numbers:
    """The upper bits of each hash, for a power of two of buckets; the maps use the lower ones."""
    import numpy as np

    return (hashes >> np.uint64(65 - buckets.bit_length())).astype(np.int64)


def _map_words(lengths: Numbers) -> int:
    """64-bit words of one map, a power of two: some eight bits a gram of short texts, at least one of long ones."""
    for_one_bit = float(lengths.mean()) / 64
    wanted = int(max(for_one_bit, min(8 * for_one_bit, 64)))
    room = _MAP_BYTES // 8 // len(lengths)
    return int(1 << max(2, min(wanted, room, 4096).bit_length() - 1))


def _read(
    texts: Sequence[str],
    block: Numbers,
    alphabet: Alphabet,
    counts: NDArray[np.uint16],
    sizes: Numbers,
    maps: Words,
) -> tuple[Words, Numbers, Numbers]:
    """Fill in the sizes and maps of a block; its prefixes as grams, indices of texts and places."""
    import numpy as np

    grams, first = distinct_grams([texts[index] for index in block], alphabet)
    sizes[block] = first.sum(axis=1)
    hashes = mixed(grams)
    _flip(maps, np.repeat(block, sizes[block]), hashes[first])
    common = counts[_buckets(hashes, len(counts))]
    common[~first] = _COMMON + 1
    lengths = prefix_length(sizes[block])
    rarest = np.argsort(common, axis=1, kind="stable")[:, : int(lengths.max())]
    shared = np.take_along_axis(common, rarest, axis=1) > 1
    shared &= np.arange(rarest.shape[1]) < lengths[:, None]
    owners, places = np.nonzero(shared)
    chosen = np.take_along_axis(grams, rarest, axis=1)[shared]
    return chosen, block[owners].astype(np.int32), places.astype(np.int32)


def _flip(maps: Words, owners: Numbers, hashes: Words) -> None:
    import numpy as np

    words = maps.shape[1]
    places = owners * words + ((hashes >> np.uint64(6)) & np.uint64(words - 1)).astype(np.int64)
    np.bitwise_xor.at(maps.reshape(-1), places, np.uint64(1) << (hashes & np.uint64(63)))


def _numbered(found: list[tuple[Words, Numbers, Numbers]], rank: Numbers) -> Entries:
    """All entries in order, without grams that stand alone, the others numbered from 0; empties `found`."""
    import numpy as np

    grams = np.concatenate([part[0] for part in found])
    owners = rank[np.concatenate([part[1] for part in found])]
    places = np.concatenate([part[2] for part in found])
    found.clear()
    order = np.lexsort((owners, grams))
    grams = grams[order]
    numbers = np.zeros(len(grams), np.int32)
    np.cumsum(grams[1:] != grams[:-1], out=numbers[1:])
    del grams
    return Entries(numbers, owners[order], places[order]).only(np.bincount(numbers)[numbers] > 1)


def _glance(maps: Words, sizes: Numbers) -> Words:
    """The maps folded to the width at which comparing all pairs, and those that pass again in full, costs least."""
    import numpy as np

    left = np.arange(1, len(maps), max(1, len(maps) // _SAMPLE))
    lowest = np.minimum(np.searchsorted(sizes, 4 * sizes[left] // 5 + 1), left - 1)
    right = lowest + 1_000_003 % (left - lowest)
    folded = maps
    best, least = maps, np.inf
    while True:
        differing = np.bitwise_count(folded[left] ^ folded[right]).sum(axis=1, dtype=np.int32)
        passed = float((9 * differing < sizes[left] + sizes[right]).mean())
        cost = folded.shape[1] + _TAKEN_COST * maps.shape[1] * passed
        if cost < least:
            best, least = folded, cost
        if folded.shape[1] == 1:
            return np.ascontiguousarray(best.T)
        half = folded.shape[1] // 2
        folded = folded[:, :half] ^ folded[:, half:]
