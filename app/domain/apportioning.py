"""Whole shares of a whole: how many places each name gets, as near to what it should get as limits allow."""

from collections.abc import Mapping
from heapq import heapify, heappop, heappush

_NOTHING = 1e-9  # ideals that sum to less count like none


def apportion(
    ideals: Mapping[str, float], total: int, least: Mapping[str, int], most: Mapping[str, int]
) -> dict[str, int]:
    """Whole numbers that sum to `total`, each between its `least` and `most`, by largest remainders.

    `ideals` are scaled to the total first; ties go by the order of the names in `ideals`. Where the limits leave no
    such sum, the nearest one is met.
    """
    scale = total / max(sum(ideals.values()), _NOTHING)
    wanted = {name: ideal * scale for name, ideal in ideals.items()}
    given = {name: min(max(int(wanted[name]), least[name]), most[name]) for name in ideals}
    missing = min(total, sum(most.values())) - sum(given.values())
    step = 1 if missing > 0 else -1
    limits = most if step > 0 else least
    queue = [
        (step * (given[name] - wanted[name]), place, name)
        for place, name in enumerate(ideals)
        if given[name] != limits[name]
    ]
    heapify(queue)
    while missing and queue:
        _, place, name = heappop(queue)
        given[name] += step
        missing -= step
        if given[name] != limits[name]:
            heappush(queue, (step * (given[name] - wanted[name]), place, name))
    return given
