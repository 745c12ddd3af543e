"""Character 5-grams of many texts as rows of numbers, so that sets of them can be compared by the thousand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.signedinteger]
    Words = NDArray[np.uint64]
    Flags = NDArray[np.bool_]

WIDTH = 5
CELLS = 1 << 18  # of one block of texts, padded to the longest: a few arrays of this size stay in the cache
NO_GRAM = 0xFFFF_FFFF_FFFF_FFFF  # above every gram


@dataclass(frozen=True)
class Alphabet:
    """Characters as small numbers from 1; powers of `base` make one number of five in a row.

    Up to 7,130 different characters that number is the gram itself; above, it is a 64-bit polynomial hash of it
    (in 100,000 texts the odds that two grams of one text collide are below one in a thousand million).
    """

    numbers: Words
    base: int


def read_alphabet(texts: Sequence[str]) -> Alphabet:
    """Every character of the texts, numbered by code point."""
    import numpy as np

    seen = np.zeros(0x110000, np.bool_)
    for first in range(0, len(texts), 1000):
        seen[_codes(texts[first : first + 1000])] = True
    known = np.flatnonzero(seen)
    numbers = np.zeros(int(known[-1]) + 1 if len(known) else 0, np.uint64)
    numbers[known] = np.arange(1, len(known) + 1)
    base = len(known) + 1
    return Alphabet(numbers, base if base**WIDTH < NO_GRAM else 0x9E37_79B9_7F4A_7C15)


def blocks(lengths: Numbers) -> Iterator[Numbers]:
    """Indices of texts of similar length, shortest first, as many as fit a block."""
    import numpy as np

    order = np.argsort(lengths, kind="stable")
    first = 0
    while first < len(order):
        widths = np.maximum(lengths[order[first:]], WIDTH)
        room = np.arange(1, len(widths) + 1) * widths > CELLS
        last = first + max(1, int(room.argmax()) if room.any() else len(room))
        yield order[first:last]
        first = last


def _in_order(texts: Sequence[str], alphabet: Alphabet) -> Words:
    """One row a text: its grams as they follow one another, filled up with NO_GRAM.

    A text shorter than five characters is its own one gram.
    """
    import numpy as np

    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    width = max(WIDTH, int(lengths.max()))
    letters = np.zeros((len(texts), width), np.uint64)
    letters[np.arange(width) < lengths[:, None]] = alphabet.numbers[_codes(texts)]
    starts = width - WIDTH + 1
    grams = letters[:, :starts].copy()
    for step in range(1, WIDTH):
        grams *= np.uint64(alphabet.base)
        grams += letters[:, step : step + starts]
    grams[np.arange(starts) >= np.maximum(lengths - WIDTH + 1, 1)[:, None]] = NO_GRAM
    return grams


def distinct_grams(texts: Sequence[str], alphabet: Alphabet) -> tuple[Words, Flags]:
    """One row a text: its grams in ascending order, and where each of them stands for the first time."""
    import numpy as np

    grams = _in_order(texts, alphabet)
    grams.sort(axis=1)
    first = grams != np.uint64(NO_GRAM)
    first[:, 1:] &= grams[:, 1:] != grams[:, :-1]
    return grams, first


def shared_grams(left: Sequence[str], right: Sequence[str], alphabet: Alphabet) -> Numbers:
    """How many different grams each text on the left has in common with its counterpart on the right."""
    import numpy as np

    sides = []
    for texts in (left, right):
        grams, first = distinct_grams(texts, alphabet)
        grams[~first] = NO_GRAM
        sides.append(grams)
    both = np.concatenate(sides, axis=1)
    both.sort(axis=1)
    twice: Flags = (both[:, 1:] == both[:, :-1]) & (both[:, 1:] != np.uint64(NO_GRAM))
    shared: Numbers = twice.sum(axis=1)
    return shared


def mixed(grams: Words) -> Words:
    """A one-to-one scrambling of 64 bits (the finaliser of SplitMix64, Steele et al. 2014)."""
    import numpy as np

    scrambled = grams ^ (grams >> np.uint64(30))
    scrambled *= np.uint64(0xBF58_476D_1CE4_E5B9)
    scrambled ^= scrambled >> np.uint64(27)
    scrambled *= np.uint64(0x94D0_49BB_1331_11EB)
    scrambled ^= scrambled >> np.uint64(31)
    return scrambled


def _codes(texts: Sequence[str]) -> NDArray[np.uint32]:
    import numpy as np

    return np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.dtype("<u4"))
