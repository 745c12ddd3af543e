"""Near-duplicate texts: which of many texts belong together because they share most of their character 5-grams.

Two texts are near when the Jaccard similarity of the sets of character 5-grams of their normalised texts is above 0.8;
nearness is passed on. Nothing above the threshold is missed: pairs come from prefix and length filters (Chaudhuri
et al. 2006; Bayardo et al. 2007; Xiao et al. 2008), which are exact, and whatever passes them is counted out in full.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import TYPE_CHECKING

from app.domain.clusters import Clusters
from app.domain.gramlists import make_index, neighbours, pairs, stretches, unsettled
from app.domain.prompts import normalised
from app.domain.sketches import Entries, sketch

if TYPE_CHECKING:
    from app.domain.shingles import Numbers


def near_groups(texts: Sequence[str]) -> list[int]:
    """For each text the index of the first text of its group; a text alone has its own index.

    Seconds for 100,000 messages of some 200 characters, in less than half a gigabyte.
    """
    numbers: dict[str, int] = {}
    distinct = [numbers.setdefault(normalised(text), len(numbers)) for text in texts]
    clusters = _clusters(list(numbers)) if len(numbers) > 1 else [0] * len(numbers)
    firsts: dict[int, int] = {}
    return [firsts.setdefault(clusters[number], index) for index, number in enumerate(distinct)]


def joined_groups(*groupings: Sequence[Hashable | None]) -> list[int]:
    """For each item the index of the first item it is tied to, when equal values in any grouping tie two items.

    None ties to nobody.
    """
    parents = list(range(len(groupings[0])))
    for grouping in groupings:
        firsts: dict[Hashable, int] = {}
        for index, value in enumerate(grouping):
            if value is not None:
                _tie(parents, index, firsts.setdefault(value, index))
    return [_root(parents, index) for index in range(len(parents))]


def _clusters(texts: Sequence[str]) -> list[int]:
    """A cluster number for each of these different texts."""
    import numpy as np

    sketches, entries = sketch(texts)
    clusters = Clusters(texts, sketches)
    _settle_all(clusters, neighbours(entries, sketches.sizes))
    crowded = _settle_listed(clusters, unsettled(entries, clusters.of))
    clusters.scan(crowded)
    numbers = np.empty_like(clusters.of)
    numbers[sketches.order] = clusters.of
    return [int(number) for number in numbers]


def _settle_listed(clusters: Clusters, entries: Entries) -> Numbers:
    """Settle all pairs that lists of grams bring; the ranks that have too many of them."""
    sizes = clusters.sketches.sizes
    index = make_index(entries, sizes, clusters.of)
    found, crowded = stretches(entries, index, sizes, clusters.of)
    _settle_all(clusters, pairs(found, index, sizes))
    return crowded


def _settle_all(clusters: Clusters, found: Iterable[tuple[Numbers, Numbers]]) -> None:
    for left, right in found:
        clusters.settle(left, right)


def _tie(parents: list[int], one: int, other: int) -> None:
    """Join two trees under the smaller of their roots."""
    first, second = sorted((_root(parents, one), _root(parents, other)))
    parents[second] = first


def _root(parents: list[int], index: int) -> int:
    while parents[index] != index:
        parents[index] = parents[parents[index]]
        index = parents[index]
    return index
