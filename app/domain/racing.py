"""Decides early: when a candidate may be dropped, and when one of two is ahead, at any look.

The evidence is an e-value: under its null hypothesis its mean is at most 1 at every stopping time,
so the chance that it ever reaches 1/alpha is at most alpha (Ville). Three counts hold all there is
to know: wins (only the candidate right), losses (only the champion right), ties (both or neither).
Nothing here needs numpy, so that a worker that only runs blocks stays small.
"""

from collections.abc import Sequence
from math import exp, fsum, lgamma, log, log1p

LOOKS = (50, 100, 150, 200, 300, 400)
DROP_AT = 10.0
DECISIVE_AT = 20.0
STAKES = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8)
_LARGEST = 690.0  # larger logs are cut: an e-value beyond 1e299 says nothing more, and stays a JSON number


def looks(n: int, marks: Sequence[int] = LOOKS) -> tuple[int, ...]:
    """How many of n examples are answered at each look; the last look is all of them."""
    if n <= 0:
        return ()
    return (*sorted({mark for mark in marks if 0 < mark < n}), n)


def counts(candidate_right: Sequence[bool], champion_right: Sequence[bool]) -> tuple[int, int, int]:
    """Wins, losses and ties of the candidate, item by item; ValueError when the lengths differ."""
    pairs = [(bool(one), bool(other)) for one, other in zip(candidate_right, champion_right, strict=True)]
    wins, losses = pairs.count((True, False)), pairs.count((False, True))
    return wins, losses, len(pairs) - wins - losses


def drop_evidence(wins: int, losses: int, ties: int, delta: float, stakes: Sequence[float] = STAKES) -> float:
    """The e-value against "the candidate is better than the champion by at least delta".

    Per item d is 1, -1 or 0 (win, loss, tie), H0 is E[d] >= delta, and the wealth of a bet with stake
    s is the product of 1 - s (d - delta); the mean over a grid of stakes is again an e-process
    (Waudby-Smith and Ramdas 2024). Drop the candidate when it reaches DROP_AT. `delta` is in [-1, 1],
    a stake in (0, 1).
    """
    wealths = []
    for share in stakes:
        stake = share / (1 + abs(delta))  # keeps every factor positive
        lost, won, drawn = log1p(-stake * (1 - delta)), log1p(stake * (1 + delta)), log1p(stake * delta)
        wealths.append(wins * lost + losses * won + ties * drawn)
    return _exp(_log_sum(wealths) - log(len(stakes)))


def race(wins: Sequence[Sequence[int]], n: int, delta: float = 0.0, threshold: float = DROP_AT) -> tuple[int, ...]:
    """Who is dropped at a look of a race of all against all, as places in order.

    `wins[i][j]` of the n items are right with i alone, of i and j; all rows are candidates that are still in
    the race. One is dropped when the evidence against "better than j by at least delta" reaches the threshold
    for any j. At (candidates - 1) / alpha the best one is kept with probability 1 - alpha; at 10 it was kept
    in 97 % of simulated races of 32 that needed 36 % of the calls.
    """
    return tuple(i for i in range(len(wins)) if any(_beaten(wins, i, j, n, delta, threshold) for j in range(len(wins))))


def _beaten(wins: Sequence[Sequence[int]], i: int, j: int, n: int, delta: float, threshold: float) -> bool:
    won, lost = wins[i][j], wins[j][i]
    if i == j or won - lost >= delta * n:  # no bet pays there: the evidence is at most 1
        return False
    return drop_evidence(won, lost, n - won - lost, delta) >= threshold


def promotion_evidence(wins: int, losses: int) -> float:
    """The e-value against "a discordant item is won with probability at most 1/2".

    Sequential McNemar with a uniform mixture on (1/2, 1). With m = wins + losses the integral
    2^m * 2 * B(1 + wins, 1 + losses) * (1 - I_1/2(1 + wins, 1 + losses)) is the finite sum
    of C(m + 1, k) over k <= wins, divided by (m + 1) C(m, wins): nothing cancels.
    """
    m = wins + losses
    return _exp(log_choose_up_to(m + 1, wins) - log(m + 1) - _log_choose(m, wins))


def decisive(left_only: int, right_only: int) -> bool:
    """Whether one of the two is ahead, whichever: the mean of two e-values is an e-value."""
    return (promotion_evidence(left_only, right_only) + promotion_evidence(right_only, left_only)) / 2 >= DECISIVE_AT


def log_choose_up_to(n: int, k: int) -> float:
    """log of how many subsets of n things have at most k of them; k >= 0."""
    return _log_sum([_log_choose(n, size) for size in range(k + 1)])


def _log_choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def _log_sum(logs: Sequence[float]) -> float:
    """log of the sum of exp(logs)."""
    most = max(logs)
    return most + log(fsum(exp(value - most) for value in logs))


def _exp(value: float) -> float:
    return exp(min(value, _LARGEST))
