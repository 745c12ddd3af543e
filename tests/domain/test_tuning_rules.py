"""Rules read and written, stops that keep exact counts, arrays that come back from their bytes, votes in columns."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.curves import sweep
from app.domain.packing import packed, unpacked
from app.domain.probabilities import from_votes
from app.domain.shapes import Digit, Shape, of_labels
from app.domain.shares import Shares, folds_of, lead_of_yes, vote_shares
from app.domain.thresholds import at_threshold
from app.domain.tuningrules import Rule, choose, read_rule, stops
from app.errors import Invalid


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("f1", Rule("fbeta", 1)),
        ("F0.5", Rule("fbeta", 0.5)),
        ("recall at precision>=0.95", Rule("recall", 0.95)),
        ("recall  at  precision >= 95%", Rule("recall", 0.95)),
        ("precision at recall>=.8", Rule("precision", 0.8)),
        ("cost fp=1 fn=5", Rule("cost", 1, 5)),
        ("threshold 0.7", Rule("set", 0.7)),
        ("0.7", Rule("set", 0.7)),
    ],
)
def test_a_rule_is_read_and_reads_back(text: str, rule: Rule) -> None:
    assert read_rule(text) == rule
    assert read_rule(rule.name) == rule


@pytest.mark.parametrize("text", ["", "best", "f0", "f11", "recall at precision>=2", "cost fp=0 fn=0", "1.5", "f1 f2"])
def test_a_rule_that_makes_no_sense_is_refused_in_words(text: str) -> None:
    with pytest.raises(Invalid):
        read_rule(text)


scores = st.lists(st.tuples(st.booleans(), st.integers(0, 400)), min_size=1, max_size=400)


@given(rows=scores, most=st.integers(4, 40))
def test_stops_are_few_keep_their_counts_and_hold_what_was_asked_for(rows: list[tuple[bool, int]], most: int) -> None:
    truth, p = np.array([yes for yes, _ in rows]), np.array([score for _, score in rows]) / 400
    swept = sweep(truth, p)
    best = choose(Rule("fbeta", 1), swept).at.threshold
    thin = stops(swept, most, (best, 2.0))
    assert len(thin.tp) <= most + 4
    for threshold, tp, fp in zip(thin.thresholds, thin.tp, thin.fp, strict=True):
        at = at_threshold(swept, threshold)
        assert (at.tp, at.fp) == (tp, fp)
    assert thin.thresholds[0] == swept.thresholds[0]
    assert thin.thresholds[-1] == swept.thresholds[-1]
    assert best not in swept.thresholds or best in thin.thresholds


def test_a_rare_class_keeps_its_steep_beginning() -> None:
    p = np.linspace(1, 0, 100_000)
    truth = np.zeros(100_000, np.bool_)
    truth[:200] = True
    thin = stops(sweep(truth, p), 400)
    assert len(set(thin.tp.tolist())) >= 190


@given(
    whole=st.lists(st.integers(-(2**62), 2**62)),
    small=st.lists(st.integers(-128, 127)),
    yes=st.lists(st.booleans()),
    shares=st.lists(st.floats(0, 1, width=32)),
)
def test_arrays_come_back_from_their_bytes(
    whole: list[int], small: list[int], yes: list[bool], shares: list[float]
) -> None:
    given = {
        "whole": np.array(whole, np.int64), "yes": np.array(yes, np.bool_), "shares": np.array(shares, np.float64),
        "small": np.array(small, np.int64),
    }  # fmt: skip
    layout, data = packed(given)
    found = unpacked(layout, data)
    assert {name: array.tolist() for name, array in found.items()} == {
        name: array.tolist() for name, array in given.items()
    }


@given(st.lists(st.lists(st.integers(-1, 11), max_size=6), min_size=1, max_size=8))
def test_votes_in_columns_are_those_of_each_example(replies: list[list[int]]) -> None:
    shape = Shape("fields", (Digit("a", ("x", "y", "z")), Digit("b", ("1", "2", "3", "4"))))
    of = np.array([example for example, codes in enumerate(replies) for _ in codes], np.int64)
    codes = np.array([code for each in replies for code in each], np.int64)
    found = vote_shares(shape, of, codes, len(replies))
    for row, each in zip(found, replies, strict=True):
        readable = [code for code in each if code >= 0]
        first = from_votes([sum(code % 3 == value for code in readable) for value in range(3)]).shares
        second = from_votes([sum(code // 3 == value for code in readable) for value in range(4)]).shares
        assert row.tolist() == pytest.approx([*first, *second], abs=1e-6)


def test_columns_and_leads_belong_to_classes_and_digits() -> None:
    values = np.array([[0.2, 0.8, 0.5, 0.3, 0.2], [0.9, 0.1, 0.1, 0.2, 0.7]], np.float32)
    shape = Shape("fields", (Digit("rude", ("false", "true")), Digit("tone", ("a", "b", "c"))))
    blank = np.zeros(2, np.int64)
    shares = Shares(shape, blank, np.array([1 + 2 * 0, 0 + 2 * 2]), blank, blank > 0, blank, values)
    assert [one.name for one in shape.classes] == ["rude", "tone=a", "tone=b", "tone=c"]
    assert shares.column(0).truth.tolist() == [True, False]
    assert shares.column(3).p.tolist() == pytest.approx([0.2, 0.7])
    assert shares.lead(1).right.tolist() == [True, True]
    assert shares.lead(1).margin.tolist() == pytest.approx([0.2, 0.5])
    rude = lead_of_yes(shares.column(0))
    assert (rude.right.tolist(), rude.margin.tolist()) == ([True, True], pytest.approx([0.6, 0.8]))


def test_folds_take_turns_and_keep_groups_together() -> None:
    assert folds_of([None, "g", None, "g", "h", None, None, "h"]).tolist() == [0, 1, 2, 1, 3, 4, 0, 3]
    assert of_labels(2).digits[0].values == ("0", "1")
