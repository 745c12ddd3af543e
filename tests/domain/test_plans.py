"""Plans: newest held out, equal times undivided, groups whole, old rows where they were; and honest advice."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.advice import SetFacts, advise, best_plan, outlook, remarks
from app.domain.examplerows import Example
from app.domain.plans import Plan, checked, dump, holdout_hash, load, place, same, strata_of
from app.domain.splits import SPLITS, Placement, SplitItem, families
from app.errors import Invalid

START = datetime(2024, 1, 1, tzinfo=UTC)
BY_TIME = Plan("out_of_time", time_column="at")


@st.composite
def timed(draw: st.DrawFn) -> list[SplitItem]:
    n = draw(st.integers(20, 150))
    days = draw(st.lists(st.integers(0, 60) | st.none(), min_size=n, max_size=n))
    groups = draw(st.lists(st.integers(0, 200), min_size=n, max_size=n))
    return [
        SplitItem(f"k{i}", "ab"[i % 2], f"g{group}", i, None if day is None else START + timedelta(days=day))
        for i, (day, group) in enumerate(zip(days, groups, strict=True))
    ]


def by_split(items: list[SplitItem], placements: list[Placement]) -> dict[str, list[SplitItem]]:
    where, found = {p.key: p.split for p in placements}, defaultdict(list)
    for item in items:
        if item.key in where:
            found[where[item.key]].append(item)
    return found


def in_time(placed: dict[str, list[SplitItem]]) -> bool:
    times = [[item.at for item in placed[name] if item.at is not None] for name in SPLITS]
    pairs = [(a, b) for i, a in enumerate(times) for b in times[i + 1 :] if a and b]
    return all(max(earlier) < min(later) for earlier, later in pairs)


@settings(max_examples=150, deadline=None)
@given(timed(), st.integers(0, 3))
def test_an_out_of_time_split_is_in_time_and_keeps_groups_together(items: list[SplitItem], seed: int) -> None:
    try:
        plan, placements = place(items, Plan("out_of_time", seed, time_column="at"))
    except Invalid:
        return
    placed = by_split(items, placements)
    assert in_time(placed)
    where = {p.key: p.split for p in placements}
    for family in families(items):
        assert len({where[item.key] for item in family if item.key in where}) <= 1
    assert all(item.at is not None for name in ("dev", "holdout") for item in placed[name])
    assert plan.dev_from is not None
    again = place(list(reversed(items)), load(dump(plan)))
    assert sorted(map(str, again[1])) == sorted(map(str, placements))


@settings(max_examples=100, deadline=None)
@given(timed(), timed(), st.sampled_from(["stratified", "out_of_time"]))
def test_rows_that_come_later_move_nothing_and_follow_the_same_plan(
    old: list[SplitItem], more: list[SplitItem], kind: str
) -> None:
    new = [SplitItem(f"n{i}", one.label, one.group, 1000 + i, one.at) for i, one in enumerate(more)]
    try:
        plan, placements = place(old, Plan("out_of_time" if kind == "out_of_time" else "stratified", time_column="at"))
    except Invalid:
        return
    fixed = {p.key: p.split for p in placements}
    kept = [item for item in old if item.key in fixed]
    plan_then, then = place([*kept, *new], plan, fixed)
    assert plan_then == plan
    where = {p.key: p.split for p in then}
    assert {key: where[key] for key in fixed} == fixed
    for family in families([*kept, *new]):
        assert len({where[item.key] for item in family if item.key in where}) <= 1
    if kind == "out_of_time":
        assert in_time(by_split([*kept, *new], then))
    for name in SPLITS:
        assert sorted(p.position for p in then if p.split == name) == list(range(sum(p.split == name for p in then)))


def test_a_newcomer_that_ties_two_splits_together_is_left_out() -> None:
    old = [SplitItem(f"k{i}", "ab"[i % 2], f"g{i}", i) for i in range(100)]
    _, placements = place(old, Plan())
    fixed = {p.key: p.split for p in placements}
    train, held = (next(item for item in old if fixed[item.key] == name) for name in ("train", "holdout"))
    bridge = SplitItem("bridge", "a", train.group, held.near_group)
    where = {p.key for p in place([*old, bridge], Plan(), fixed)[1]}
    assert where == set(fixed)


def test_equal_times_are_never_divided_and_too_few_of_them_are_refused() -> None:
    items = [SplitItem(f"k{i}", "a", None, i, START + timedelta(days=i // 40)) for i in range(200)]
    placed = by_split(items, place(items, BY_TIME)[1])
    assert {name: len(placed[name]) for name in SPLITS} == {"train": 80, "dev": 80, "holdout": 40}
    with pytest.raises(Invalid, match="too few different times"):
        place([SplitItem(f"k{i}", "a", None, i, START) for i in range(100)], BY_TIME)


def test_groups_that_run_through_all_time_are_refused_with_what_to_choose() -> None:
    items = [SplitItem(f"k{i}", "a", f"g{i % 2}", i, START + timedelta(days=i)) for i in range(100)]
    with pytest.raises(Invalid, match="choose the grouped plan"):
        place(items, BY_TIME)


@pytest.mark.parametrize(
    ("plan", "where"),
    [
        (Plan("grouped"), "group_column"),
        (Plan("out_of_time"), "time_column"),
        (Plan(holdout=0.7), "holdout_share"),
        (Plan(dev=0.01), "dev_share"),
        (Plan(dev=0.5, holdout=0.5), "holdout_share"),
    ],
)
def test_a_plan_that_cannot_be_followed_names_the_choice(plan: Plan, where: str) -> None:
    with pytest.raises(Invalid) as refused:
        checked(plan)
    assert [problem.where for problem in refused.value.problems] == [where]


def test_chosen_shares_are_kept_and_dev_has_its_limit() -> None:
    items = [SplitItem(f"k{i}", "ab"[i % 2], None, i) for i in range(2000)]
    sizes = {name: len(found) for name, found in by_split(items, place(items, Plan(dev=0.3, holdout=0.4))[1]).items()}
    assert sizes == {"train": 900, "dev": 300, "holdout": 800}


def test_a_stored_plan_is_the_same_plan_and_old_versions_have_one() -> None:
    plan = Plan("out_of_time", 3, 0.2, 0.3, 300, "g", "t", START, START + timedelta(days=3))
    assert load({**dump(plan), "near_examples": []}) == plan
    assert load({}, 4) == Plan("stratified", 4)
    assert same({}, Plan("grouped", 4))
    assert not same({}, plan)


def test_a_set_counts_as_the_rarest_label_in_it() -> None:
    sets = [("a", "b"), ("a",), ("a", "c"), ("b",), ()]
    examples = [Example(str(i), "", {}, labels) for i, labels in enumerate(sets)]
    assert strata_of(examples, closed=True) == ["b", "a", "c", "b", ""]
    assert strata_of([Example("1", "", {}, "3"), Example("2", "", {}, "4")], closed=False) == ["", ""]


def test_a_holdout_is_known_by_its_examples_in_any_order() -> None:
    one = [Placement("a", "holdout", 0), Placement("b", "holdout", 1), Placement("c", "dev", 0)]
    assert holdout_hash(one) == holdout_hash(one[::-1]) != holdout_hash(one[1:])
    assert holdout_hash(one[2:]) == ""


FACTS = SetFacts("label", 500, {"a": 490, "b": 10})


@pytest.mark.parametrize(
    ("facts", "plan"),
    [
        (FACTS, "stratified"),
        (SetFacts("number", 500), "random"),
        (SetFacts("label", 500, groups=20, grouped=60, has_group_column=True), "grouped"),
        (SetFacts("label", 500, has_group_column=True), "stratified"),
        (SetFacts("label", 500, timed=500, times=400, crossing=5), "out_of_time"),
        (SetFacts("label", 500, timed=500, times=400, crossing=None), "stratified"),
        (SetFacts("label", 500, timed=500, times=400, crossing=80), "stratified"),
        (SetFacts("label", 500, timed=100, times=90, crossing=0), "stratified"),
        (SetFacts("label", 40, timed=40, times=40, crossing=0), "stratified"),
    ],
)
def test_what_is_advised_is_one_way_and_every_way_has_its_sentence(facts: SetFacts, plan: str) -> None:
    found = advise(facts)
    assert best_plan(facts) == plan
    assert [one.way for one in found if one.state == "suggested"] == [plan]
    assert len(found) == 6
    assert all(one.why.endswith(".") for one in found)


def test_remarks_name_what_the_splits_cannot_show() -> None:
    said = " ".join(remarks(FACTS, {"dev": 150, "holdout": 100}, {"a": 98, "b": 2}))
    assert "no statement about this class: b." in said
    assert "30 to 40%" in said
    assert "There is no holdout" in remarks(FACTS, {"dev": 20, "holdout": 0}, {})[0]
    shown = outlook({"dev": 400, "holdout": 20})
    assert (shown["dev"].detectable, shown["holdout"].detectable) == (0.062, None)


def test_a_column_of_times_that_cannot_be_read_is_told_instead_of_that_there_is_none() -> None:
    why = "Column date: could have the day first or the month first; write dates as 2023-07-16."
    found = {one.way: one for one in advise(SetFacts("label", 200, time_problem=why))}
    assert (found["out_of_time"].state, found["out_of_time"].why) == ("not possible", why)
    without = {one.way: one.why for one in advise(SetFacts("label", 200))}
    assert without["out_of_time"] == "No column says when the rows came to be."
