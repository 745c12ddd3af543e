"""Who sits left and right in which round."""

from itertools import combinations
from random import Random


def seats(generators: int, seed: int, round_number: int) -> tuple[int, int]:
    """The indices of the generators on the left and on the right in a round (counted from 1).

    A shuffled cycle of all pairs, shuffled anew each time round, sides drawn; one generator plays both.
    """
    if generators == 1:
        return 0, 0
    pairs = list(combinations(range(generators), 2))
    cycle, place = divmod(round_number - 1, len(pairs))
    rng = Random(f"{seed}:pairs:{cycle}")
    rng.shuffle(pairs)
    left, right = pairs[place]
    return (left, right) if Random(f"{seed}:sides:{round_number}").random() < 0.5 else (right, left)
