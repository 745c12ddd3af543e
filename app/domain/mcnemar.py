"""What the counts of discordant examples say beyond the exact two-sided p in `comparing`.

`only_a` and `only_b` are examples that only that prompt gets right. The exact tests are for verdicts; the
approximations at the end are here because reports of other tools quote them.
"""

from math import erfc, exp, log, sqrt

from app.domain.racing import log_choose_up_to


def one_sided_p(only_a: int, only_b: int) -> float:
    """The exact p that b is right no oftener than a: the chance of at least `only_b` heads in all the throws.

    The p that Holm corrects when many candidates b were tried against one a.
    """
    return min(1.0, exp(log_choose_up_to(only_a + only_b, only_a) - (only_a + only_b) * log(2)))


def standard_error(only_a: int, only_b: int, n: int) -> float:
    """The paired (Wald) standard error of the difference of two accuracies on the same n examples."""
    difference = (only_b - only_a) / n
    return sqrt(max(0.0, (only_a + only_b) / n - difference**2) / n)


def wald_interval(only_a: int, only_b: int, n: int, z: float) -> tuple[float, float]:
    """The difference b minus a, and z standard errors to either side; too narrow on few discordant examples."""
    difference, half = (only_b - only_a) / n, z * standard_error(only_a, only_b, n)
    return difference - half, difference + half


def chi_square(only_a: int, only_b: int, *, corrected: bool = True) -> tuple[float, float]:
    """McNemar's statistic (with Edwards' correction) and its p; 0 and 1 where nothing is discordant."""
    discordant = only_a + only_b
    if discordant == 0:
        return 0.0, 1.0
    statistic = (abs(only_a - only_b) - corrected) ** 2 / discordant
    return statistic, erfc(sqrt(statistic / 2))
