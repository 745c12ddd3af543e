"""Which split an example belongs to, and its place in the split's fixed order; fixed at import by content and seed."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

from app.domain.apportioning import apportion
from app.domain.stratified import stratified_order
from app.errors import Invalid

SPLITS = ("train", "dev", "holdout")
_ENOUGH = 3  # examples of a label that stand alone, one for each split

Counts = dict[str, Counter[str]]
Placed = dict[str, list["SplitItem"]]


@dataclass(frozen=True)
class SplitItem:
    """One example: items that share `group` or `near_group` stay together; each split gets its share of each `label`."""

    key: str
    label: str
    group: str | None
    near_group: int
    at: datetime | None = None


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


def split(
    items: Sequence[SplitItem],
    seed: int,
    dev_limit: int = 300,
    wanted: Mapping[str, float] | None = None,
    fixed: Mapping[str, str] | None = None,
) -> list[Placement]:
    """Every example's split and position. Whole groups stay together; labels keep their shares as far as groups allow.

    Groups go first, the largest before all, each to the split that lacks most of what it brings; those who stand alone
    then even out what groups left. A label with three of these or more is in every split, unless there are more such
    labels than dev has room for. `wanted` are shares other than those of `shares`. What is `fixed`, by key, stays in
    its split and draws its group there; an item whose group is fixed in two splits has no placement.
    Raises Invalid where groups are so large that nothing is left for dev.
    """
    placed, free = _settled(items, fixed or {})
    groups, singles = _families(free, seed)
    counted = Counter(item.label for item in (*free, *placed["train"], *placed["dev"], *placed["holdout"]))
    targets = _targets(counted, dev_limit, seed, wanted or shares(counted.total()))
    _place_groups(groups, singles, targets, dev_limit, placed)
    _place_singles(singles, targets, placed, dev_limit)
    if not placed["dev"] or not placed["train"]:
        raise too_large(max(map(len, groups), default=0), len(items))
    return in_order(placed, seed)


def too_large(largest: int, n: int) -> Invalid:
    return Invalid(
        f"the examples cannot be split: {largest} of {n} belong to one group or are nearly the same text, "
        "and a group must stay in one split"
    )


def in_order(placed: Placed, seed: int) -> list[Placement]:
    """Placements in each split's fixed order."""
    return [
        Placement(item.key, name, position)
        for name in SPLITS
        for position, item in enumerate(_ordered(placed[name], seed))
    ]


def families(items: Sequence[SplitItem]) -> list[list[SplitItem]]:
    """The items that a chain of groups and near-duplicates ties, in order of first appearance."""
    found: dict[int, list[SplitItem]] = defaultdict(list)
    for item, number in zip(items, joined([item.group for item in items], [i.near_group for i in items]), strict=True):
        found[number].append(item)
    return list(found.values())


def _settled(items: Sequence[SplitItem], fixed: Mapping[str, str]) -> tuple[Placed, list[SplitItem]]:
    """(what is fixed, or in a group with it, by split; what may still go anywhere)."""
    placed: Placed = {name: [] for name in SPLITS}
    free: list[SplitItem] = []
    for family in families(items) if fixed else [items]:
        homes = {fixed[item.key] for item in family if item.key in fixed}
        for item in family:
            if item.key in fixed:
                placed[fixed[item.key]].append(item)
            elif len(homes) == 1:
                placed[next(iter(homes))].append(item)
            elif not homes:
                free.append(item)
    return placed, free


def joined(*groupings: Sequence[Hashable | None]) -> list[int]:
    """A number for each item, the same for all that a chain of equal values in any grouping ties; None ties nobody."""
    parents = list(range(len(groupings[0])))

    def root(index: int) -> int:
        while parents[index] != index:
            parents[index] = parents[parents[index]]
            index = parents[index]
        return index

    for grouping in groupings:
        firsts: dict[Hashable, int] = {}
        for index, value in enumerate(grouping):
            if value is not None:
                parents[root(index)] = root(firsts.setdefault(value, index))
    return [root(index) for index in range(len(parents))]


def _drawn(seed: int, what: str) -> bytes:
    """Where chance puts something: the same for the same seed and content, whatever else there is."""
    return blake2b(f"{seed}:{what}".encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _families(items: Sequence[SplitItem], seed: int) -> tuple[list[list[SplitItem]], dict[str, list[SplitItem]]]:
    """The groups of two or more, largest first, and by label those who stand alone; in an order drawn by the seed."""
    found = families(items) if items else []
    groups = [family for family in found if len(family) > 1]
    groups.sort(key=lambda family: (-len(family), _drawn(seed, min(item.key for item in family))))
    singles: dict[str, list[SplitItem]] = defaultdict(list)
    for family in found:
        if len(family) == 1:
            singles[family[0].label].append(family[0])
    for alone in singles.values():
        alone.sort(key=lambda item: _drawn(seed, item.key))
    return groups, singles


def _targets(labels: Mapping[str, int], dev_limit: int, seed: int, wanted: Mapping[str, float]) -> Counts:
    """How many examples of each label every split should get; dev's surplus over its limit goes to train."""
    n = sum(labels.values())
    left = Counter({label: labels[label] for label in sorted(labels, key=lambda label: _drawn(seed, label))})
    none = dict.fromkeys(left, 0)
    targets: Counts = {}
    for name in ("holdout", "dev"):
        total = int(wanted[name] * n + 0.5)
        total = min(total, dev_limit) if name == "dev" else total
        targets[name] = Counter(apportion({label: float(labels[label]) for label in left}, total, none, left))
        left = Counter({label: left[label] - targets[name][label] for label in left})
    return {"train": left, **targets}


def _place_groups(
    groups: Sequence[Sequence[SplitItem]],
    singles: Mapping[str, Sequence[SplitItem]],
    targets: Counts,
    dev_limit: int,
    placed: Placed,
) -> None:
    """Every group in the split where it does least harm; dev keeps a place for each label that must be in it."""
    counts: Counts = {name: Counter(item.label for item in placed[name]) for name in SPLITS}
    kept = sum(len(alone) >= _ENOUGH for alone in singles.values())
    for group in groups:
        brings = Counter(item.label for item in sorted(group, key=lambda item: item.label))
        full = len(placed["dev"]) + len(group) > dev_limit - kept
        open_splits = [name for name in SPLITS if targets[name].total() and not (full and name == "dev")]
        chosen = min(open_splits, key=lambda name: _harm(brings, counts[name], targets[name]))
        placed[chosen] += group
        counts[chosen] += brings


def _harm(brings: Counter[str], has: Counter[str], target: Counter[str]) -> float:
    """Growth of the squared distance to the target, for each label and in all, in units of the target."""

    def growth(more: int, now: int, wanted: int) -> float:
        return more * (more + 2 * (now - wanted)) / max(wanted, 0.5)

    by_label = sum(growth(more, has[label], target[label]) for label, more in brings.items())
    return by_label + growth(brings.total(), has.total(), target.total())


def _place_singles(singles: Mapping[str, Sequence[SplitItem]], targets: Counts, placed: Placed, dev_limit: int) -> None:
    """Holdout and dev get what they still lack of each label, train the rest; each is left at least what it must have."""
    has: Counts = {name: Counter(item.label for item in placed[name]) for name in SPLITS}
    taken: Counter[str] = Counter()
    labels = [label for label in targets["train"] if singles.get(label)]
    must = {
        name: {label: int(len(singles[label]) >= _ENOUGH and not has[name][label]) for label in labels}
        for name in SPLITS
        if targets[name].total()
    }
    for name in ("holdout", "dev"):
        needed = must.pop(name, None)
        if needed is None:
            continue
        if name == "dev":
            _keep_commonest(needed, dev_limit - len(placed["dev"]), singles)
        room = {
            label: max(needed[label], len(singles[label]) - taken[label] - sum(later[label] for later in must.values()))
            for label in labels
        }
        lacks = {label: float(max(0, targets[name][label] - has[name][label])) for label in labels}
        total = max(targets[name].total() - len(placed[name]), sum(needed.values()), 0)
        for label, count in apportion(lacks, total, needed, room).items():
            placed[name] += singles[label][taken[label] : taken[label] + count]
            taken[label] += count
    for label in labels:
        placed["train"] += singles[label][taken[label] :]


def _keep_commonest(needed: dict[str, int], room: int, singles: Mapping[str, Sequence[SplitItem]]) -> None:
    """Where dev has no room for every label that must be in it, the rarest stay away."""
    wanted = sorted((label for label in needed if needed[label]), key=lambda label: -len(singles[label]))
    for label in wanted[max(0, room) :]:
        needed[label] = 0


def _ordered(items: Sequence[SplitItem], seed: int) -> list[SplitItem]:
    """A seeded order in which every prefix has nearly the label shares of the whole."""
    strata: dict[str, list[SplitItem]] = defaultdict(list)
    for item in sorted(items, key=lambda item: _drawn(seed, f"order:{item.key}")):
        strata[item.label].append(item)
    return stratified_order({label: strata[label] for label in sorted(strata, key=lambda label: _drawn(seed, label))})
