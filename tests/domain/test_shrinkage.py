"""What the best of many is worth on new data."""

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.shrinkage import shrink, shrink_paired, shrink_shares

SHARES = st.lists(st.floats(0, 1), min_size=1, max_size=20)
TABLES = st.integers(2, 12).flatmap(
    lambda n: st.lists(st.lists(st.booleans(), min_size=n, max_size=n), min_size=1, max_size=8)
)
_SLACK = 1e-9


@given(SHARES, st.integers(1, 500))
@settings(deadline=None)
def test_a_shrunk_score_lies_between_the_raw_one_and_the_mean(shares: list[float], n: int) -> None:
    found = shrink_shares(shares, n)
    for raw, shrunk in zip(shares, found.scores, strict=True):
        assert min(raw, found.mean) - _SLACK <= shrunk <= max(raw, found.mean) + _SLACK


@given(TABLES)
@settings(deadline=None)
def test_scores_on_the_same_examples_shrink_towards_their_mean_and_keep_their_order(table: list[list[bool]]) -> None:
    found = shrink_paired(table)
    raw = [sum(row) / len(row) for row in table]
    for one, shrunk in zip(raw, found.scores, strict=True):
        assert min(one, found.mean) - _SLACK <= shrunk <= max(one, found.mean) + _SLACK
    ordered = [shrunk for _, shrunk in sorted(zip(raw, found.scores, strict=True))]
    assert all(one <= other + _SLACK for one, other in pairwise(ordered))


@given(TABLES, st.randoms())
@settings(deadline=None)
def test_neither_the_order_of_examples_nor_of_candidates_matters(table: list[list[bool]], random: Random) -> None:
    examples = random.sample(range(len(table[0])), len(table[0]))
    candidates = random.sample(range(len(table)), len(table))
    turned = shrink_paired([[table[row][column] for column in examples] for row in candidates])
    assert turned.scores == pytest.approx([shrink_paired(table).scores[row] for row in candidates])


def test_the_paired_variance_is_the_residual_mean_square_by_hand() -> None:
    # means 3/4, 1/4, 1/2; of examples 1, 2/3, 1/3, 0: residuals' squares sum to 5/6, 6 degrees of freedom, 4 examples
    found = shrink_paired([[1, 1, 1, 0], [1, 0, 0, 0], [1, 1, 0, 0]])
    assert found.sampling_variance == pytest.approx(5 / 6 / 6 / 4)
    assert found.between_variance == pytest.approx(1 / 16 - 5 / 144)
    share = (1 / 16 - 5 / 144) / (1 / 16)
    assert found.scores == pytest.approx([0.5 + share / 4, 0.5 - share / 4, 0.5])


def test_what_all_candidates_share_is_nobodys_luck() -> None:
    alike = [[1, 1, 0, 0, 1, 0, 1, 0]] * 2 + [[1, 1, 1, 0, 1, 0, 1, 0]]
    assert shrink_paired(alike).sampling_variance < shrink_shares([0.5, 0.5, 0.625], 8).sampling_variance / 4


def test_one_candidate_has_nothing_to_shrink_towards() -> None:
    assert shrink_shares([0.7], 10).scores == (0.7,)
    assert shrink_paired([[1, 0, 1, 1]]).scores == (0.75,)


@pytest.mark.parametrize(
    ("shares", "n", "message"), [([], 5, "0 scores"), ([0.5], 0, "at least one example"), ([1.2], 5, "1.2")]
)
def test_what_cannot_be_shrunk_is_refused(shares: list[float], n: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        shrink_shares(shares, n)


def test_tables_and_variances_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="rows of one length"):
        shrink_paired([[1, 0], [1]])
    with pytest.raises(ValueError, match="2 scores with the sampling variances"):
        shrink([0.5, 0.6], [0.1])
