"""Estimates how strong players (generators, prompt versions) are from the outcomes of their battles.

Bradley-Terry with Davidson's ties (Davidson 1970): with strengths b on the logit scale, a battle of
i against j is won by i, won by j or tied in the proportions exp(b_i) : exp(b_j) : nu exp((b_i + b_j) / 2).
It is fitted on counts per pair, so neither the number of battles nor their order matters.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import exp, log, sqrt
from typing import TYPE_CHECKING, Any

from app.domain.metrics import Z95

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Integers = NDArray[np.integer[Any]]

RIDGE = 0.1
CENTRE = 1000.0
POINTS = 400 / log(10)  # per unit of log strength, as in Elo: 400 points are odds of ten to one
ENOUGH_BATTLES = 10
TOO_WIDE = 400.0
OUTCOMES = ("left", "right", "tie")
_FEW_BINS = 100_000  # bins that cost less to count in than sorting does
_STEPS = 200
_SETTLED = 1e-9

Battle = tuple[str, str, str]  # left, right, outcome
Pairs = Mapping[tuple[str, str], tuple[int, int, int]]  # (first, second) in order: first won, second won, ties


@dataclass(frozen=True)
class Rating:
    """One player's record, and its rating with a 95 % interval, on a scale centred at 1000."""

    name: str
    battles: int
    wins: int
    ties: int
    losses: int
    rating: float
    low: float
    high: float
    provisional: bool


@dataclass(frozen=True)
class Fit:
    """Log strengths with mean 0, their covariance, and nu (0 when nothing was tied)."""

    names: tuple[str, ...]
    strengths: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]
    nu: float


def rate(battles: Iterable[Battle], ridge: float = RIDGE) -> list[Rating]:
    """The ratings, best first; see `rate_counts`."""
    return rate_counts(Counter((left, right, outcome) for left, right, outcome in battles), ridge)


def rate_counts(battles: Mapping[Battle, int], ridge: float = RIDGE) -> list[Rating]:
    """The ratings from how often each (left, right, outcome) occurred, best first, equals by name.

    Outcomes other than left, right and tie say nothing, and nor does a battle of a player with
    itself; who has no other battle is not listed. Players that no chain of battles joins cannot be
    compared: each such group is rated for itself, centred at 1000. The interval is that of the
    distance from the group's mean. A rating is provisional under 10 battles, or while its interval
    is wider than 400 points.
    """
    pairs = paired_counts(battles)
    records = _records(pairs)
    ratings = [rating for group in components(pairs) for rating in _rate_group(_within(pairs, group), records, ridge)]
    return sorted(ratings, key=lambda rating: (-rating.rating, rating.name))


def rate_arrays(
    left: "Integers", right: "Integers", outcome: "Integers", names: Sequence[str], ridge: float = RIDGE
) -> list[Rating]:
    """The ratings from three integer arrays, a battle a place: see `rate_counts`.

    `left` and `right` are places in `names`; `outcome` is a place in OUTCOMES, any other says nothing.
    Counting is one pass over the battles; what follows costs the same for a million as for a thousand.
    Raises ValueError on arrays of different length or a player without a name.
    """
    return rate_counts(battle_counts(left, right, outcome, names), ridge)


def battle_counts(left: "Integers", right: "Integers", outcome: "Integers", names: Sequence[str]) -> dict[Battle, int]:
    """How often each (left, right, outcome) occurs; what says nothing is left out."""
    import numpy as np

    players, kinds = len(names), len(OUTCOMES)
    if not len(left) == len(right) == len(outcome):
        raise ValueError(f"{len(left)} left players, {len(right)} right ones, {len(outcome)} outcomes")
    if not len(left):
        return {}
    if min(left.min(), right.min()) < 0 or max(left.max(), right.max()) >= players:
        raise ValueError(f"a player is no place among {players} names")
    if outcome.min() < 0 or outcome.max() >= kinds:
        says = (outcome >= 0) & (outcome < kinds)
        left, right, outcome = left[says], right[says], outcome[says]
    keys = (left.astype(np.int64) * players + right) * kinds + outcome
    if players * players * kinds <= len(keys) + _FEW_BINS:
        counts = np.bincount(keys)
        cells = np.flatnonzero(counts)
        seen = counts[cells]
    else:
        cells, seen = np.unique(keys, return_counts=True)
    return {
        (names[cell // kinds // players], names[cell // kinds % players], OUTCOMES[cell % kinds]): count
        for cell, count in zip(cells.tolist(), seen.tolist(), strict=True)
    }


def paired_counts(battles: Mapping[Battle, int]) -> Pairs:
    """The counts of each pair of players, names in order within the pair and between pairs."""
    pairs: dict[tuple[str, str], list[int]] = {}
    for (left, right, outcome), count in battles.items():
        if outcome not in OUTCOMES or left == right:
            continue
        first, second = sorted((left, right))
        place = 2 if outcome == "tie" else int((left if outcome == "left" else right) == second)
        pairs.setdefault((first, second), [0, 0, 0])[place] += count
    return {pair: (pairs[pair][0], pairs[pair][1], pairs[pair][2]) for pair in sorted(pairs)}


def components(pairs: Pairs) -> list[tuple[str, ...]]:
    """The groups of players that a chain of battles joins."""
    group = {name: {name} for pair in pairs for name in pair}
    for first, second in pairs:
        if group[first] is not group[second]:
            group[first] |= group[second]
            for name in group[second]:
                group[name] = group[first]
    return sorted({tuple(sorted(names)) for names in group.values()})


def _within(pairs: Pairs, group: Sequence[str]) -> Pairs:
    members = set(group)
    return {pair: counts for pair, counts in pairs.items() if pair[0] in members}


def _records(pairs: Pairs) -> dict[str, tuple[int, int, int]]:
    """Each player's wins, ties and losses."""
    records = {name: (0, 0, 0) for pair in pairs for name in pair}
    for (first, second), (won, lost, tied) in pairs.items():
        for name, more in ((first, (won, tied, lost)), (second, (lost, tied, won))):
            wins, ties, losses = records[name]
            records[name] = (wins + more[0], ties + more[1], losses + more[2])
    return records


def _rate_group(pairs: Pairs, records: Mapping[str, tuple[int, int, int]], ridge: float) -> Iterator[Rating]:
    fitted = fit(pairs, ridge)
    for place, name in enumerate(fitted.names):
        rating = CENTRE + POINTS * fitted.strengths[place]
        half, battles = Z95 * POINTS * sqrt(fitted.covariance[place][place]), sum(records[name])
        provisional = battles < ENOUGH_BATTLES or 2 * half > TOO_WIDE
        ends = (round(rating, 1), round(rating - half, 1), round(rating + half, 1))
        yield Rating(name, battles, *records[name], *ends, provisional)


def fit(pairs: Pairs, ridge: float = RIDGE) -> Fit:
    """The penalised maximum likelihood fit of one connected group.

    The penalty is ridge / 2 times the sum of squares of the log strengths and of log nu: it keeps
    the strength of a player that won everything finite, and counts like a prior of SD 3.2 logits at
    0.1. With ridge 0 the maximum must exist: nobody won or lost everything, not all was tied.
    Without a tie nu is 0 and the fit is Bradley-Terry's own. The covariance is model-based: the
    inverse of the penalised information, projected on strengths of mean 0.
    """
    import numpy as np

    names = tuple(sorted({name for pair in pairs for name in pair}))
    place = {name: position for position, name in enumerate(names)}
    rivals = np.array([(place[first], place[second]) for first, second in pairs], np.int64)
    seen = np.array(list(pairs.values()), np.float64)
    tied = bool(seen[:, 2].any())
    battles = _Battles(rivals[:, 0], rivals[:, 1], seen if tied else seen[:, :2], len(names), ridge)
    values, information = _maximise(battles)
    centring = np.eye(len(names)) - 1 / len(names)
    covariance = centring @ np.linalg.inv(information)[: len(names), : len(names)] @ centring
    strengths = values[: len(names)] - values[: len(names)].mean()
    nu = exp(values[-1]) if tied else 0.0
    return Fit(names, tuple(strengths.tolist()), tuple(tuple(row) for row in covariance.tolist()), nu)


@dataclass(frozen=True, eq=False)
class _Battles:
    """One group's counts per pair: columns first won, second won and, if there was any, tied.

    The parameters are the players' log strengths, then log nu if anything was tied.
    """

    first: "Ints"
    second: "Ints"
    seen: "Floats"
    players: int
    ridge: float

    @property
    def tied(self) -> bool:
        return len(self.seen[0]) == 3

    def log_chances(self, values: "Floats") -> "Floats":
        """Log probability of each outcome, in the shape of `seen`."""
        import numpy as np

        columns = [values[self.first], values[self.second]]
        if self.tied:
            columns.append((columns[0] + columns[1]) / 2 + values[-1])
        weights = np.stack(columns, axis=1)
        weights -= weights.max(axis=1, keepdims=True)
        chances: Floats = weights - np.log(np.exp(weights).sum(axis=1, keepdims=True))
        return chances

    def height(self, values: "Floats") -> float:
        """The penalised log likelihood."""
        return float((self.seen * self.log_chances(values)).sum() - self.ridge / 2 * (values**2).sum())

    def slope(self, values: "Floats") -> "Floats":
        """The gradient of the height: what was seen less what was to be expected."""
        import numpy as np

        excess = self.seen - self.seen.sum(axis=1, keepdims=True) * np.exp(self.log_chances(values))
        half = excess[:, 2] / 2 if self.tied else 0.0
        slope = -self.ridge * values
        np.add.at(slope, self.first, excess[:, 0] + half)
        np.add.at(slope, self.second, excess[:, 1] + half)
        if self.tied:
            slope[-1] += excess[:, 2].sum()
        return slope

    def information(self, values: "Floats") -> "Floats":
        """Minus the second derivative of the height, with the common level of all strengths held fast.

        Only differences of strengths are seen; the 1 / players added keeps the matrix regular without
        a ridge, and touches nothing but the level.
        """
        import numpy as np

        chances = np.exp(self.log_chances(values))
        tie = chances[:, 2] if self.tied else np.zeros(len(chances))
        share, n = chances[:, 0] + tie / 2, self.seen.sum(axis=1)
        spread = n * (chances[:, 0] + tie / 4 - share**2)
        matrix = self.ridge * np.eye(len(values))
        matrix[: self.players, : self.players] += 1 / self.players
        for one, other, sign in (
            (self.first, self.first, 1),
            (self.second, self.second, 1),
            (self.first, self.second, -1),
            (self.second, self.first, -1),
        ):
            np.add.at(matrix, (one, other), sign * spread)
        if self.tied:
            shared = n * tie * (0.5 - share)
            np.add.at(matrix[-1], self.first, shared)
            np.add.at(matrix[-1], self.second, -shared)
            matrix[: self.players, -1] = matrix[-1, : self.players]
            matrix[-1, -1] += (n * tie * (1 - tie)).sum()
        return matrix


def _maximise(battles: _Battles) -> tuple["Floats", "Floats"]:
    """Newton's method on a concave height, halving the steps that overshoot; with the information there."""
    import numpy as np

    values = np.zeros(battles.players + battles.tied)
    for _ in range(_STEPS):
        step = np.linalg.solve(battles.information(values), battles.slope(values))
        while battles.height(values + step) < battles.height(values) and np.abs(step).max() > _SETTLED:
            step /= 2
        if np.abs(step).max() <= _SETTLED:
            break
        values = values + step
    return values, battles.information(values)
