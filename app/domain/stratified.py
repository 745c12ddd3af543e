"""A fixed order in which every beginning of a list has the label shares of the whole, as nearly as can be."""

from collections.abc import Mapping, Sequence
from heapq import heapify, heappop, heappush
from typing import TypeVar

Item = TypeVar("Item")


def stratified_order(strata: Mapping[str, Sequence[Item]]) -> list[Item]:
    """The items of all strata in one order; within a stratum they keep theirs, ties go by the order of the strata.

    In every prefix of p items, each stratum of m of the n items has fewer than one more or less than p m / n. Its item
    number r may come when p m > (r - 1) n and must have come when p m >= r n; serving the nearest deadline first then
    keeps them all (Steiner and Yeomans 1993, "Level schedules for mixed-model, just-in-time processes").
    """
    names = [name for name in strata if strata[name]]
    n = sum(len(strata[name]) for name in names)
    waiting = [(1, place, 0) for place in range(len(names))]  # (first slot it may take, stratum, item)
    ready: list[tuple[int, int, int]] = []  # (last slot it may take, stratum, item)
    heapify(waiting)
    order = []
    for slot in range(1, n + 1):
        while waiting and waiting[0][0] <= slot:
            _, place, item = heappop(waiting)
            heappush(ready, (-(-(item + 1) * n // len(strata[names[place]])), place, item))
        _, place, item = heappop(ready)
        stratum = strata[names[place]]
        order.append(stratum[item])
        if item + 1 < len(stratum):
            heappush(waiting, ((item + 1) * n // len(stratum) + 1, place, item + 1))
    return order
