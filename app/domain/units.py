"""Who is drawn and swapped together: the answers to one example, and the examples of one group.

Sentences of one document or messages of one customer are alike, so that ten of them tell less than ten of ten; whoever
draws them one by one makes intervals too narrow (Miller 2024, "Adding error bars to evals", section on clusters).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    Ints = NDArray[np.int64]

T = TypeVar("T")


def units_of(groups: Mapping[int, int], examples: Sequence[int]) -> tuple[int, ...]:
    """A number for each example, the same for those of one group; empty where no two of them share one."""
    members = Counter(groups[one] for one in set(examples) if one in groups)
    if not any(n > 1 for n in members.values()):
        return ()
    numbers: dict[tuple[bool, int], int] = {}
    keys = ((one in groups, groups.get(one, one)) for one in examples)
    return tuple(numbers.setdefault(key, len(numbers)) for key in keys)


def shared(units: Sequence[int]) -> bool:
    """Whether any two stand together; else everybody is drawn alone."""
    return len(set(units)) < len(units)


def first_of_each(values: Sequence[T], units: Sequence[int]) -> Sequence[T]:
    """Those of the first example of every unit, for methods that need examples which tell nothing of each other."""
    if not units:
        return values
    places = {unit: place for place, unit in reversed(list(enumerate(units)))}
    return [values[place] for place in sorted(places.values())]


def by_unit(each: "csr_array", examples: Sequence[int], units: Sequence[int]) -> "csr_array":
    """What each unit adds, of shape (units, width) from (answers, width): the mean of an example's answers, summed.

    Units are in the order of their numbers; without any, each example is one, in the order of the examples' numbers.
    """
    import numpy as np

    _, first, place = np.unique(np.asarray(examples), return_index=True, return_inverse=True)
    found = _added(each, place, mean=True)
    if len(units):
        _, place = np.unique(np.asarray(units)[first], return_inverse=True)
        found = _added(found, place, mean=False)
    found.sort_indices()
    return found


def strata_of(strata: "Ints", examples: Sequence[int], units: Sequence[int]) -> "Ints":
    """The stratum of every unit, given that of every answer; where units hold several examples there is one of all."""
    import numpy as np

    if shared(units):
        return np.zeros(len(set(units)), np.int64)
    _, first = np.unique(np.asarray(examples), return_index=True)
    of_examples: Ints = strata[first]
    return of_examples


def in_order(*sides: "csr_array") -> "Ints":
    """An order of the units that depends on nothing but what they add: by a fixed number for each row of each side."""
    import numpy as np

    weights = np.random.default_rng(0).random(sides[0].shape[1])
    keys = [np.round(side @ weights, 9) for side in sides]
    order: Ints = np.lexsort(keys[::-1])
    return order


def _added(each: "csr_array", place: "Ints", *, mean: bool) -> "csr_array":
    import numpy as np
    from scipy.sparse import csr_array

    often = np.bincount(place)
    weights = 1 / often[place] if mean else np.ones(len(place))
    return csr_array(csr_array((weights, (place, np.arange(len(place)))), shape=(len(often), len(place))) @ each)
