"""Which split an example belongs to, and its place in the split's fixed order; fixed at import by content and seed."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

SPLITS = ("train", "dev", "holdout")


@dataclass(frozen=True)
class SplitItem:
    """One example: items that share `group` or `near_group` stay together."""

    key: str
    label: str
    group: str | None
    near_group: int


@dataclass(frozen=True)
class Placement:
    key: str
    split: str
    position: int


def shares(n: int) -> dict[str, float]:
    """The wanted share of each split for `n` examples; under 60 there is no holdout."""
    if n > 200:
        return {"train": 0.5, "dev": 0.3, "holdout": 0.2}
    if n >= 60:
        return {"train": 0.4, "dev": 0.35, "holdout": 0.25}
    return {"train": 0.5, "dev": 0.5, "holdout": 0.0}


def split(items: Sequence[SplitItem], seed: int, dev_limit: int = 300) -> list[Placement]:
    """Every example's split and position. Whole groups stay together; labels keep their shares as far as groups allow."""
    wanted = _wanted(Counter(item.label for item in items), dev_limit)
    placed: dict[str, list[SplitItem]] = {name: [] for name in SPLITS}
    for family in _families(items, seed):
        full = len(placed["dev"]) + len(family) > dev_limit
        chosen = _neediest(wanted, family, ("train", "holdout") if full else SPLITS)
        placed[chosen] += family
        for item in family:
            wanted[chosen][item.label] -= 1
    return [
        Placement(item.key, name, position)
        for name in SPLITS
        for position, item in enumerate(_ordered(placed[name], f"{seed}:{name}"))
    ]


def _wanted(labels: Mapping[str, int], dev_limit: int) -> dict[str, dict[str, float]]:
    """How many examples of each label every split should get; dev's surplus over its limit goes to train."""
    n = sum(labels.values())
    share = shares(n)
    if share["dev"] * n > dev_limit:
        share["train"] += share["dev"] - dev_limit / n
        share["dev"] = dev_limit / n
    return {name: {label: count * share[name] for label, count in labels.items()} for name in SPLITS}


def _families(items: Sequence[SplitItem], seed: int) -> list[list[SplitItem]]:
    """The groups that must stay together, large ones first so that small ones can even out what they leave."""
    joined = _joined(items)
    families: dict[int, list[SplitItem]] = defaultdict(list)
    for item, root in zip(items, joined, strict=True):
        families[root].append(item)
    made = [sorted(family, key=lambda item: item.key) for family in families.values()]
    made.sort(key=lambda family: family[0].key)
    Random(f"{seed}:families").shuffle(made)
    return sorted(made, key=len, reverse=True)


def _joined(items: Sequence[SplitItem]) -> list[int]:
    """A number per item, equal for items that a chain of shared groups connects (union by path halving)."""
    parent = list(range(len(items)))

    def root(at: int) -> int:
        while parent[at] != at:
            parent[at] = parent[parent[at]]
            at = parent[at]
        return at

    first: dict[tuple[str, object], int] = {}
    for index, item in enumerate(items):
        keys: list[tuple[str, object]] = [("near", item.near_group)]
        if item.group is not None:
            keys.append(("group", item.group))
        for key in keys:
            parent[root(index)] = root(first.setdefault(key, index))
    return [root(index) for index in range(len(items))]


def _neediest(wanted: Mapping[str, Mapping[str, float]], family: Sequence[SplitItem], splits: Sequence[str]) -> str:
    """The split that misses most of this family's labels; holdout before dev before train when they miss alike."""
    counts = Counter(item.label for item in family)

    def need(name: str) -> float:
        return sum(wanted[name][label] * count for label, count in counts.items()) / len(family)

    return max(reversed(splits), key=need)


def _ordered(items: Sequence[SplitItem], seed: str) -> list[SplitItem]:
    """A seeded order in which every prefix has nearly the label shares of the whole."""
    by_label: dict[str, list[SplitItem]] = defaultdict(list)
    for item in sorted(items, key=lambda item: item.key):
        by_label[item.label].append(item)
    places: list[tuple[float, float, str, SplitItem]] = []
    for label in sorted(by_label):
        rng = Random(f"{seed}:{label}")
        rng.shuffle(by_label[label])
        step, offset = 1 / len(by_label[label]), rng.random()
        places += [((i + offset) * step, rng.random(), item.key, item) for i, item in enumerate(by_label[label])]
    return [place[3] for place in sorted(places, key=lambda place: place[:3])]
