"""P-values corrected for how many questions were asked."""

from collections.abc import Callable, Sequence
from itertools import combinations, pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.multiplicity import benjamini_hochberg, benjamini_yekutieli, bonferroni, holm, hommel

Correction = Callable[[Sequence[float]], list[float]]
ALL: list[Correction] = [bonferroni, holm, hommel, benjamini_hochberg, benjamini_yekutieli]
PS = st.lists(st.floats(0, 1), max_size=30)
_SLACK = 1e-12


def _closed(raw: Sequence[float], test: Correction) -> list[float]:
    """The closed testing procedure by its definition: the worst p of any intersection that a question is part of."""
    worst = [0.0] * len(raw)
    for size in range(1, len(raw) + 1):
        for places in combinations(range(len(raw)), size):
            p = test([raw[place] for place in places])[0]
            for place in places:
                worst[place] = max(worst[place], p)
    return worst


def _simes(raw: Sequence[float]) -> list[float]:
    return [min(1.0, *(len(raw) * p / (rank + 1) for rank, p in enumerate(sorted(raw))))]


def _smallest(raw: Sequence[float]) -> list[float]:
    return [min(1.0, len(raw) * min(raw))]


@given(PS)
@settings(deadline=None)
def test_no_correction_lowers_a_p_or_leaves_the_unit_interval(raw: list[float]) -> None:
    for correct in ALL:
        assert all(p - _SLACK <= adjusted <= 1 for p, adjusted in zip(raw, correct(raw), strict=True))


@given(PS)
@settings(deadline=None)
def test_a_larger_p_stays_the_larger_one(raw: list[float]) -> None:
    for correct in ALL:
        ordered = [adjusted for _, adjusted in sorted(zip(raw, correct(raw), strict=True))]
        assert all(one <= other + _SLACK for one, other in pairwise(ordered))


@given(PS, st.randoms())
@settings(deadline=None)
def test_the_order_of_questions_does_not_matter(raw: list[float], random: Random) -> None:
    order = random.sample(range(len(raw)), len(raw))
    for correct in ALL:
        adjusted = correct(raw)
        assert correct([raw[place] for place in order]) == [adjusted[place] for place in order]


@given(PS)
@settings(deadline=None)
def test_sharper_corrections_give_smaller_ps(raw: list[float]) -> None:
    for sharp, blunt in ((holm, bonferroni), (hommel, holm), (benjamini_hochberg, hommel)):
        assert all(one <= other + _SLACK for one, other in zip(sharp(raw), blunt(raw), strict=True))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
@settings(deadline=None)
def test_holm_and_hommel_are_the_closed_tests_that_they_are_short_for(raw: list[float]) -> None:
    assert holm(raw) == pytest.approx(_closed(raw, _smallest))
    assert hommel(raw) == pytest.approx(_closed(raw, _simes))


@given(PS, st.floats(0, 1))
@settings(deadline=None)
def test_one_question_more_never_lowers_holms_ps(raw: list[float], more: float) -> None:
    assert all(one <= other + _SLACK for one, other in zip(holm(raw), holm([*raw, more]), strict=False))


@pytest.mark.parametrize("correct", ALL)
def test_what_is_no_p_is_refused(correct: Correction) -> None:
    with pytest.raises(ValueError, match="a p-value lies in"):
        correct([0.5, 1.5])
    with pytest.raises(ValueError, match="nan"):
        correct([float("nan")])
    assert correct([]) == []
