"""How many examples a comparison needs, and what it can show, at any level and power.

`comparing` has the two formulas at 5 % and 80 %, which need no scipy; here are the general ones, the exact
power of the exact McNemar test, and the paired t test for graded scores.
"""

from math import sqrt
from statistics import NormalDist


def examples_for(
    gain: float, discordance: float, alpha: float = 0.05, power: float = 0.8, *, two_sided: bool = True
) -> float:
    """How many examples show this gain in accuracy (Connor 1987, Miettinen 1968); round up, and add a tenth.

    `discordance` is the share of examples on which the prompts differ. Raises ValueError unless
    0 < gain <= discordance <= 1.
    """
    if not 0 < gain <= discordance <= 1:
        raise ValueError(f"a gain of {gain} needs a discordance of at least that; it is {discordance}")
    z, z_power = _points(alpha, power, two_sided)
    return (z * sqrt(discordance) + z_power * sqrt(discordance - gain**2)) ** 2 / gain**2


def detectable_gain(
    n: int, discordance: float, alpha: float = 0.05, power: float = 0.8, *, two_sided: bool = True
) -> float:
    """The gain that n examples show: `examples_for` solved for it; 1 where n is too small for the formula."""
    z, z_power = _points(alpha, power, two_sided)
    spread = n - z**2 + z_power**2
    if spread <= 0:
        return 1.0
    return min(1.0, sqrt(discordance) * (z * sqrt(n) + z_power * sqrt(spread)) / (n + z_power**2))


def mcnemar_power(n: int, discordance: float, gain: float, alpha: float = 0.05, *, two_sided: bool = True) -> float:
    """The chance that the exact McNemar test on n examples rejects, over all counts of discordant examples.

    One-sided, it is the test that the better prompt is no better.
    """
    import numpy as np
    from scipy.stats import binom

    discordant = np.arange(n + 1)
    tail = alpha / 2 if two_sided else alpha
    most = binom.ppf(tail, discordant, 0.5).astype(np.int64)  # the fewest losses whose chance reaches the tail
    most -= binom.cdf(most, discordant, 0.5) > tail
    losing = (discordance - gain) / (2 * discordance)
    rejecting = binom.cdf(most, discordant, losing)
    if two_sided:
        rejecting = rejecting + binom.cdf(most, discordant, 1 - losing)
    return float(binom.pmf(discordant, n, discordance) @ rejecting)


def paired_t_power(n: float, effect: float, alpha: float = 0.05, *, two_sided: bool = True) -> float:
    """The power of the t test on n paired differences whose mean is `effect` standard deviations."""
    from scipy.stats import nct
    from scipy.stats import t as student

    critical, shift = float(student.isf(alpha / 2 if two_sided else alpha, n - 1)), effect * sqrt(n)
    power = float(nct.sf(critical, n - 1, shift))
    return power + float(nct.cdf(-critical, n - 1, shift)) if two_sided else power


def examples_for_t(effect: float, alpha: float = 0.05, power: float = 0.8, *, two_sided: bool = True) -> float:
    """How many paired differences show this effect (mean over standard deviation); round up.

    Raises ValueError when the effect is 0 or the power not above alpha.
    """
    from scipy.optimize import brentq

    if not effect or not alpha < power < 1:
        raise ValueError(f"no number of examples shows an effect of {effect} with a power of {power}")
    size = abs(effect)
    most = 4.0
    while paired_t_power(most, size, alpha, two_sided=two_sided) < power:
        most *= 2
    if paired_t_power(2.0, size, alpha, two_sided=two_sided) >= power:
        return 2.0
    return float(brentq(lambda n: paired_t_power(n, size, alpha, two_sided=two_sided) - power, 2.0, most, xtol=1e-10))


def _points(alpha: float, power: float, two_sided: bool) -> tuple[float, float]:
    normal = NormalDist()
    return normal.inv_cdf(1 - alpha / 2 if two_sided else 1 - alpha), normal.inv_cdf(power)
