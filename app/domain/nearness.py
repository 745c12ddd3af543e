"""Near-duplicate texts: which of many texts belong together because they share most of their character 5-grams.

Two texts are near when the Jaccard similarity of the sets of character 5-grams of their normalised texts is above 0.8;
nearness is passed on. Nothing above the threshold is missed: pairs come from prefix and length filters (Chaudhuri
et al. 2006; Bayardo et al. 2007; Xiao et al. 2008), which are exact, and whatever passes them is counted out in full.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
