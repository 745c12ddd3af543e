"""How many examples a comparison needs, and what it can show."""

from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.comparing import examples_needed, mcnemar_exact, minimum_detectable_gain
from app.domain.mcnemar import chi_square, one_sided_p, standard_error, wald_interval
from tests.reference.power import detectable_gain, examples_for, examples_for_t, mcnemar_power, paired_t_power
from tests.reference.proportions import jeffreys, wilson_at

COUNTS = st.integers(0, 60)
LEVELS = st.floats(0.01, 0.2)


def _enumerated(n: int, discordance: float, gain: float, alpha: float, *, two_sided: bool) -> float:
    win = (discordance + gain) / 2
    lose, same = discordance - win, 1 - discordance
    return sum(
        comb(n, w) * comb(n - w, k) * win**w * lose**k * same ** (n - w - k)
        for w in range(n + 1)
        for k in range(n - w + 1)
        if (mcnemar_exact(k, w) if two_sided else one_sided_p(k, w)) <= alpha
    )


@pytest.mark.parametrize("two_sided", [True, False])
@pytest.mark.parametrize(
    ("n", "discordance", "gain", "alpha"), [(12, 0.5, 0.3, 0.05), (25, 0.3, 0.0, 0.1), (9, 1, 1, 0.05)]
)
def test_the_exact_power_is_the_chance_of_a_small_p(
    n: int, discordance: float, gain: float, alpha: float, two_sided: bool
) -> None:
    wanted = _enumerated(n, discordance, gain, alpha, two_sided=two_sided)
    assert mcnemar_power(n, discordance, gain, alpha, two_sided=two_sided) == pytest.approx(wanted)


@given(st.integers(1, 300), st.floats(0.01, 1), LEVELS)
@settings(deadline=None)
def test_the_exact_test_never_errs_oftener_than_its_level(n: int, discordance: float, alpha: float) -> None:
    for two_sided in (True, False):
        assert mcnemar_power(n, discordance, 0.0, alpha, two_sided=two_sided) <= alpha + 1e-12


@given(st.integers(100, 5_000), st.floats(0.05, 0.5), LEVELS, st.floats(0.5, 0.95), st.booleans())
@settings(deadline=None)
def test_examples_and_detectable_gain_are_each_others_inverse(
    n: int, discordance: float, alpha: float, power: float, two_sided: bool
) -> None:
    gain = detectable_gain(n, discordance, alpha, power, two_sided=two_sided)
    if gain <= discordance:
        assert examples_for(gain, discordance, alpha, power, two_sided=two_sided) == pytest.approx(n)


@given(st.integers(1, 5_000), st.floats(0.05, 0.5), st.floats(0.01, 0.05))
@settings(deadline=None)
def test_at_5_and_80_percent_the_formulas_are_those_of_the_pages(n: int, discordance: float, gain: float) -> None:
    assert detectable_gain(n, discordance) == pytest.approx(minimum_detectable_gain(n, discordance))
    assert 0 <= examples_needed(gain, discordance) - examples_for(gain, discordance) < 1 + 1e-6


@given(st.floats(0.05, 2), LEVELS, st.floats(0.5, 0.95), st.booleans())
@settings(deadline=None, max_examples=40)
def test_so_many_differences_have_just_the_power_asked_for(
    effect: float, alpha: float, power: float, two_sided: bool
) -> None:
    n = examples_for_t(effect, alpha, power, two_sided=two_sided)
    assert n == examples_for_t(-effect, alpha, power, two_sided=two_sided)
    reached = paired_t_power(n, effect, alpha, two_sided=two_sided)
    assert reached == pytest.approx(power) if n > 2 else reached >= power


def test_what_no_number_of_examples_shows_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a discordance"):
        examples_for(0.3, 0.2)
    with pytest.raises(ValueError, match="no number of examples"):
        examples_for_t(0.0)


@given(COUNTS, COUNTS)
@settings(deadline=None)
def test_the_one_sided_ps_of_both_sides_share_what_is_observed(only_a: int, only_b: int) -> None:
    observed = comb(only_a + only_b, only_a) / 2 ** (only_a + only_b)
    assert one_sided_p(only_a, only_b) + one_sided_p(only_b, only_a) == pytest.approx(1 + observed)
    assert min(1.0, 2 * one_sided_p(min(only_a, only_b), max(only_a, only_b))) == pytest.approx(
        mcnemar_exact(only_a, only_b)
    )


@given(COUNTS, COUNTS, st.integers(0, 200))
@settings(deadline=None)
def test_approximations_do_not_depend_on_who_is_called_a(only_a: int, only_b: int, same: int) -> None:
    n = only_a + only_b + same
    for corrected in (True, False):
        assert chi_square(only_a, only_b, corrected=corrected) == chi_square(only_b, only_a, corrected=corrected)
        assert 0 <= chi_square(only_a, only_b, corrected=corrected)[1] <= 1
    if n:
        low, high = wald_interval(only_a, only_b, n, 1.96)
        assert (-high, -low) == pytest.approx(wald_interval(only_b, only_a, n, 1.96))
        assert high - low == pytest.approx(2 * 1.96 * standard_error(only_a, only_b, n))


@given(st.integers(0, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0.5, 0.999))
@settings(deadline=None)
def test_intervals_of_a_share_lie_in_the_unit_interval_and_mirror(count: tuple[int, int], confidence: float) -> None:
    successes, n = count
    for interval in (wilson_at, jeffreys):
        low, high = interval(successes, n, confidence)
        assert 0 <= low < high <= 1
        assert (1 - high, 1 - low) == pytest.approx(interval(n - successes, n, confidence))
        wider = interval(successes, n, (1 + confidence) / 2)
        assert wider[0] <= low + 1e-12
        assert high - 1e-12 <= wider[1]
    low, high = wilson_at(successes, n, confidence)
    assert low <= (successes / n if n else 0.5) <= high


@pytest.mark.parametrize(("successes", "n", "confidence"), [(3, 2, 0.95), (-1, 2, 0.95), (1, 2, 1.0)])
def test_what_is_no_share_is_refused(successes: int, n: int, confidence: float) -> None:
    with pytest.raises(ValueError, match=r"successes of|a confidence lies"):
        wilson_at(successes, n, confidence)
