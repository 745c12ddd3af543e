"""Splits: groups whole, labels in their shares, each prefix like the whole, and nothing that hangs on the file's order."""

import json
import time
from collections import Counter, defaultdict
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.apportioning import apportion
from app.domain.nearness import near_groups
from app.domain.splits import SPLITS, Placement, SplitItem, joined, shares, split
from app.domain.stratified import stratified_order
from app.errors import Invalid
from tests.conftest import data_folder


def alone(labels: list[str]) -> list[SplitItem]:
    return [SplitItem(f"k{number}", label, None, number) for number, label in enumerate(labels)]


def where(placed: list[Placement]) -> dict[str, str]:
    return {place.key: place.split for place in placed}


def sizes(placed: list[Placement]) -> dict[str, int]:
    return dict(Counter(place.split for place in placed))


def label_counts(items: list[SplitItem], placed: list[Placement]) -> dict[str, Counter[str]]:
    counts: dict[str, Counter[str]] = {name: Counter() for name in SPLITS}
    for item in items:
        counts[where(placed)[item.key]][item.label] += 1
    return counts


@pytest.mark.parametrize(
    ("n", "found"),
    [
        (20, {"train": 10, "dev": 10}),
        (59, {"train": 29, "dev": 30}),
        (60, {"train": 24, "dev": 21, "holdout": 15}),
        (200, {"train": 80, "dev": 70, "holdout": 50}),
        (201, {"train": 101, "dev": 60, "holdout": 40}),
        (1000, {"train": 500, "dev": 300, "holdout": 200}),
        (2000, {"train": 1300, "dev": 300, "holdout": 400}),
    ],
)
def test_sizes_are_those_promised_and_the_surplus_of_dev_goes_to_train(n: int, found: dict[str, int]) -> None:
    labels = [Random(n).choice("aab") for _ in range(n)]
    assert sizes(split(alone(labels), seed=4)) == found


def test_labels_of_examples_that_stand_alone_have_their_shares_to_within_two() -> None:
    rng = Random(2)
    items = alone(rng.choices([f"l{i}" for i in range(40)], weights=range(1, 41), k=900))
    counts, whole = label_counts(items, split(items, seed=1)), Counter(item.label for item in items)
    for name, share in shares(900).items():
        assert all(abs(counts[name][label] - share * n) < 2 for label, n in whole.items())


@st.composite
def sets(draw: st.DrawFn) -> list[SplitItem]:
    """Items with uneven labels, groups of a person's and near-duplicates, both of any size up to some twenty."""
    n = draw(st.integers(20, 260))
    rng = Random(draw(st.integers(0, 10**6)))
    labels = draw(st.integers(2, 12))
    grouped = draw(st.sampled_from([0.0, 0.2, 0.7]))
    near = draw(st.sampled_from([0.0, 0.3]))
    return [
        SplitItem(
            key=f"{rng.random()}",
            label=f"l{min(rng.randrange(labels), rng.randrange(labels))}",
            group=f"g{rng.randrange(n // 8)}" if rng.random() < grouped else None,
            near_group=rng.randrange(n // 5) if rng.random() < near else n + number,
        )
        for number in range(n)
    ]


def tied(items: list[SplitItem]) -> dict[int, list[SplitItem]]:
    families: dict[int, list[SplitItem]] = defaultdict(list)
    for item, number in zip(items, joined([i.group for i in items], [i.near_group for i in items]), strict=True):
        families[number].append(item)
    return families


@settings(max_examples=150, deadline=None)
@given(sets(), st.integers(0, 5), st.sampled_from([25, 300]))
def test_everybody_has_one_place_groups_stay_whole_and_order_does_not_matter(
    items: list[SplitItem], seed: int, dev_limit: int
) -> None:
    try:
        placed = split(items, seed, dev_limit)
    except Invalid:
        largest = max(map(len, tied(items).values()))
        assert largest > len(items) / 4
        return
    assert sorted(where(placed)) == sorted(item.key for item in items)
    for name in SPLITS:
        assert sorted(p.position for p in placed if p.split == name) == list(range(sizes(placed).get(name, 0)))
    assert sizes(placed)["dev"] <= dev_limit
    assert ("holdout" in sizes(placed)) <= (len(items) >= 60)
    found = where(placed)
    for family in tied(items).values():
        assert len({found[item.key] for item in family}) == 1
    shuffled = items[:]
    Random(seed).shuffle(shuffled)
    renamed = [SplitItem(i.key, i.label, i.group and f"x{i.group}", -i.near_group) for i in shuffled]
    assert {(p.key, p.split, p.position) for p in split(renamed, seed, dev_limit)} == {
        (p.key, p.split, p.position) for p in placed
    }


@settings(max_examples=100, deadline=None)
@given(sets(), st.integers(0, 3))
def test_a_label_with_three_examples_that_stand_alone_is_in_every_split(items: list[SplitItem], seed: int) -> None:
    lone = Counter(family[0].label for family in tied(items).values() if len(family) == 1)
    try:
        counts = label_counts(items, split(items, seed))
    except Invalid:
        return
    for name in SPLITS if len(items) >= 60 else ("train", "dev"):
        assert all(counts[name][label] for label, n in lone.items() if n >= 3)


def test_groups_leave_a_place_in_dev_for_a_label_that_must_be_in_it() -> None:
    items = [SplitItem(f"k{i}", "a", f"g{i // 5}", i) for i in range(500)]
    items += [SplitItem(f"r{i}", "rare", None, 1000 + i) for i in range(3)]
    assert label_counts(items, split(items, 0, dev_limit=25))["dev"] == {"a": 20, "rare": 1}


def test_a_split_that_lacks_a_label_does_not_take_the_last_of_another() -> None:
    items = [SplitItem(f"k{i}", "a", "one", i) for i in range(301)]
    items += [SplitItem(f"b{i}", "b", None, 1000 + i) for i in range(298)]
    items += [SplitItem(f"r{i}", "rare", None, 2000 + i) for i in range(3)]
    assert [label_counts(items, split(items, 0))[name]["rare"] for name in SPLITS] == [1, 1, 1]


def test_more_labels_than_dev_has_room_for_leave_out_the_rarest() -> None:
    items = alone([f"l{number % 40}" for number in range(400)] + ["rare"] * 3)
    counts = label_counts(items, split(items, seed=0, dev_limit=40))
    assert set(counts["dev"]) == {f"l{number}" for number in range(40)}
    assert all(set(counts[name]) == {item.label for item in items} for name in ("train", "holdout"))


def test_another_seed_draws_other_splits_and_the_same_seed_the_same() -> None:
    items = alone(["a", "b"] * 150)
    assert where(split(items, 1)) == where(split(items[::-1], 1))
    assert sum(where(split(items, 1))[key] != name for key, name in where(split(items, 2)).items()) > 100


def test_an_example_more_moves_few_of_the_others() -> None:
    items = alone([Random(1).choice("ab") for _ in range(1000)])
    before, after = where(split(items, 3)), where(split([*items, SplitItem("new", "a", None, 5000)], 3))
    assert sum(before[key] != after[key] for key in before) <= 5


@pytest.mark.parametrize("group_size", [600, 590])
def test_a_group_that_swallows_the_set_is_said_so(group_size: int) -> None:
    items = [SplitItem(f"k{i}", "ab"[i % 2], "one" if i < group_size else "two", i) for i in range(600)]
    if group_size == 600:
        with pytest.raises(Invalid, match="600 of 600 belong to one group or are nearly the same text"):
            split(items, 0)
    else:
        assert sizes(split(items, 0)) == {"train": 590, "dev": 10}


def test_dev_takes_no_group_that_would_burst_it() -> None:
    items = [SplitItem(f"k{i}", "ab"[i % 2], f"g{i // 301}" if i < 1806 else None, i) for i in range(2000)]
    assert sizes(split(items, 0)) == {"train": 1505, "dev": 95, "holdout": 400}


@given(st.lists(st.integers(1, 60), min_size=1, max_size=12))
def test_every_prefix_has_the_shares_of_the_whole_to_within_one(counts: list[int]) -> None:
    strata = {f"l{place}": [(f"l{place}", item) for item in range(n)] for place, n in enumerate(counts)}
    order = stratified_order(strata)
    assert {name: [item for item in order if item[0] == name] for name in strata} == strata
    seen: Counter[str] = Counter()
    for place, (name, _) in enumerate(order, start=1):
        seen[name] += 1
        assert all(abs(seen[other] * len(order) - place * len(strata[other])) < len(order) for other in strata)


@given(st.lists(st.tuples(st.floats(0, 50), st.integers(0, 9), st.integers(0, 40)), min_size=1, max_size=8), st.data())
def test_whole_shares_sum_up_within_their_limits(rows: list[tuple[float, int, int]], data: st.DataObject) -> None:
    ideals = {f"n{i}": ideal for i, (ideal, _, _) in enumerate(rows)}
    least = {f"n{i}": low for i, (_, low, _) in enumerate(rows)}
    most = {f"n{i}": low + more for i, (_, low, more) in enumerate(rows)}
    total = data.draw(st.integers(sum(least.values()), sum(most.values())))
    given_out = apportion(ideals, total, least, most)
    assert sum(given_out.values()) == total
    assert all(least[name] <= given_out[name] <= most[name] for name in ideals)


def test_without_limits_nobody_gets_a_whole_one_more_or_less_than_the_ideal() -> None:
    ideals = {"a": 3.7, "b": 2.6, "c": 0.4, "d": 3.3}
    none, plenty = dict.fromkeys(ideals, 0), dict.fromkeys(ideals, 99)
    assert apportion(ideals, 10, none, plenty) == {"a": 4, "b": 3, "c": 0, "d": 3}
    assert apportion(ideals, 20, none, plenty) == {"a": 7, "b": 5, "c": 1, "d": 7}


def test_ideals_that_are_next_to_nothing_share_what_the_limits_let_them_have() -> None:
    assert apportion({"a": 1e-308, "b": 0.0}, 3, {"a": 0, "b": 0}, {"a": 2, "b": 2}) == {"a": 2, "b": 1}


@pytest.mark.parametrize(
    ("groupings", "numbers"),
    [
        ([["a", None, "a", None]], [0, 1, 0, 3]),
        ([["a", "b", None, None], [1, 2, 2, 3]], [0, 1, 1, 3]),
        ([["a", "b", "a", "b"], [1, 2, 3, 1]], [0, 0, 0, 0]),
    ],
)
def test_ties_of_all_kinds_are_passed_on(groupings: list[list[object]], numbers: list[int]) -> None:
    found = joined(*groupings)
    assert [found.index(number) for number in found] == numbers


def test_a_hundred_thousand_examples_take_seconds() -> None:
    rng = Random(1)
    items = [SplitItem(f"{rng.random()}", f"l{rng.randrange(77)}", None, rng.randrange(90_000)) for _ in range(100_000)]
    began = time.process_time()
    assert sizes(split(items, 0)) == {"train": 79_700, "dev": 300, "holdout": 20_000}
    assert time.process_time() - began < 15


@pytest.mark.parametrize(
    "name", ["trec6", "banking77", "snips_intents", "sms_spam", "rucola", "rusentne2023", "prompt_attacks"]
)
def test_real_sets_keep_groups_together_and_labels_in_their_shares(name: str) -> None:
    lines = (data_folder() / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    near = near_groups([row["input"] for row in rows])
    items = [
        SplitItem(row["id"], row["label"], row.get("meta", {}).get("group"), group)
        for row, group in zip(rows, near, strict=True)
    ]
    placed = split(items, 0)
    found = where(placed)
    for family in tied(items).values():
        assert len({found[item.key] for item in family}) == 1
    counts, whole, n = label_counts(items, placed), Counter(item.label for item in items), len(items)
    wanted = {"dev": min(300, 0.3 * n), "holdout": 0.2 * n}
    for split_name, size in wanted.items():
        assert abs(counts[split_name].total() - size) <= 2
        assert all(abs(counts[split_name][label] - m * size / n) <= 2 for label, m in whole.items())
        assert set(counts[split_name]) == set(whole)
