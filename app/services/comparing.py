"""Compares evaluations with the first of them on the examples that both answered: what is better, and what could be seen."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from sqlalchemy.orm import Session

from app.domain.answercodes import how_many, name_of
from app.domain.answered import Answers
from app.domain.comparing import Difference, Verdict, compare, compare_repeated, is_contradictory, verdict
from app.domain.goals import Goal, parse_goal, parse_goals
from app.domain.metrics import Estimate, measure, measure_all
from app.domain.multiplicity import holm
from app.domain.pairing import (
    UNREADABLE,
    Cell,
    Counts,
    columns,
    counts,
    detectable,
    right_or_wrong,
    rows_needed,
)
from app.domain.shapes import Shape, of_labels, shape_of
from app.domain.summing import amounts_of
from app.domain.units import units_of
from app.services.comparables import Chosen, Side
from app.services.tried import Tried, tried
from app.storage import comparisons, projects, test_sets
from app.storage.comparables import Comparable
from app.storage.comparisons import Given, Pair
from app.storage.evaluations import Evaluation
from app.storage.projects import Project

Judged = tuple[Estimate | None, Estimate | None, Difference | None]
DRAWS = 10_000
SEED = 0  # of the permutations: a page that is opened again says the same


@dataclass(frozen=True)
class GoalDifference:
    """What both score by a further goal of the project; the difference's p is that of this goal alone."""

    goal: str
    base_score: Estimate
    other_score: Estimate
    difference: Difference


@dataclass(frozen=True)
class Comparison:
    """`other` against `base` (letters), on the `counts.n` examples that both answered; differences are other minus base.

    `difference.p` is that of this comparison alone, `p_holm` is adjusted for all on the page, and the verdict rests on
    it. `discordance` is the share of rows that exactly one gets right; `rows_needed` would tell the two apart, were the
    difference in rows right that was seen the true one, and `detectable` is the smallest such difference that these
    rows can tell from chance (both with power 80 %; None when nothing can be said). `relabelled` rows expect another
    answer in the version of the test set that `other` was scored on: they are judged by what `base` expects. Of
    several goals the verdict rests on the first; `further` tells of the others.

    Where one of them answered an example more than once (`repeated`), scores and difference take the mean of its answers,
    and the counts its first. Where examples are in groups, `units` says how many groups and lone examples were drawn
    and swapped whole (else 0); how many rows would be needed is not told then, as those of a group are alike.
    """

    base: str
    other: str
    counts: Counts
    base_score: Estimate | None
    other_score: Estimate | None
    difference: Difference | None
    p_holm: float | None
    verdict: Verdict | None
    discordance: float
    rows_needed: int | None
    detectable: float | None
    relabelled: int
    note: str
    test: str = ""
    repeated: bool = False
    units: int = 0
    tried: Tried | None = None
    further: list[GoalDifference] = field(default_factory=list)

    @property
    def contradictory(self) -> bool:
        """Whether p and the interval, which come by different methods, do not agree: then there is not enough evidence."""
        return self.difference is not None and is_contradictory(replace(self.difference, p=self.p_holm))


@dataclass(frozen=True)
class ComparisonView:
    """Everything that a comparison says but its rows; the first of `sides` is the base of every comparison.

    Of answers of kind number or text only right and wrong are kept: which were answered differently is not counted.
    """

    project_id: str
    project: str
    kind: str
    goal: str
    smallest_gain: float
    sides: list[Side]
    comparisons: list[Comparison]


@dataclass(frozen=True)
class Counted:
    """A comparison view with the cells behind each of its comparisons, which its lists of rows are counted from."""

    view: ComparisonView
    cells: list[tuple[Cell, ...]]
    project: Project


def answer_name(project: Project, code: int) -> str | None:
    """What the code of an answer is called; None for an unreadable one."""
    if code == UNREADABLE:
        return None
    answers = project.answer_space
    return name_of(answers, code) if code < how_many(answers) else f"answer {code}"


def compared(session: Session, chosen: Chosen) -> Counted:
    """One grouping query for each comparison, whatever the number of rows."""
    project = projects.get(session, chosen.project_id)
    base, *others = chosen.rows
    cells = [comparisons.cells(session, base.evaluation, other.evaluation) for other in others]
    found = [
        _comparison(session, project, chosen.sides[0], side, (base, other), pairs)
        for side, other, pairs in zip(chosen.sides[1:], others, cells, strict=True)
    ]
    view = ComparisonView(
        project_id=project.id,
        project=project.name,
        kind=project.answer_kind,
        goal=parse_goal(project.goal).name,
        smallest_gain=project.smallest_gain,
        sides=chosen.sides,
        comparisons=_with_verdicts(found, project.smallest_gain),
    )
    return Counted(view, cells, project)


def _comparison(
    session: Session,
    project: Project,
    base: Side,
    other: Side,
    rows: tuple[Comparable, Comparable],
    cells: tuple[Cell, ...],
) -> Comparison:
    found = counts(cells)
    goal, *others = parse_goals(project.goal)
    paired = _paired(session, project, rows[0].evaluation, rows[1].evaluation, cells)
    grouped = len(set(paired.units[0]))
    scored: Judged = _by(session, goal, paired) if found.n else (None, None, None)
    return Comparison(
        base=base.letter,
        other=other.letter,
        counts=found,
        base_score=scored[0],
        other_score=scored[1],
        difference=scored[2],
        p_holm=None,
        verdict=None,
        discordance=found.discordance,
        rows_needed=None if grouped else rows_needed(found),
        detectable=None if grouped else detectable(found),
        relabelled=comparisons.relabelled(session, rows[0].evaluation, rows[1].evaluation),
        note="" if found.n else _nothing_shared(base, other),
        tried=_tried(session, project, rows, scored),
        test="exact McNemar" if goal.counts_right and not paired.sides else "paired permutation",
        repeated=paired.repeated,
        units=grouped,
        further=[GoalDifference(one.name, *_by(session, one, paired)) for one in others if found.n],
    )


@dataclass(frozen=True)
class _Paired:
    """Two evaluations of the same examples: `cells` count the first answers.

    Where answers are not each for itself, `sides` are all answers of both, with what `names` ask beside the readings, and
    `units` are whose they are where examples are in groups.
    """

    base: Evaluation
    other: Evaluation
    shape: Shape
    cells: tuple[Cell, ...]
    names: tuple[str, ...]
    repeated: bool = False
    sides: tuple[tuple[Given, ...], ...] = ()
    units: tuple[tuple[int, ...], ...] = ((), ())


def _paired(
    session: Session, project: Project, base: Evaluation, other: Evaluation, cells: tuple[Cell, ...]
) -> _Paired:
    names = dict.fromkeys(name for goal in parse_goals(project.goal) for name in amounts_of(goal))
    found = _Paired(base, other, shape_of(project.answer_space), cells, tuple(names))
    repeated = comparisons.repeated(session, base, other)
    groups = test_sets.groups(session, base.version_id, base.split)
    if not (repeated or groups):
        return found
    sides = comparisons.given(session, base, other, found.names)
    units = tuple(units_of(groups, [example for example, *_ in side]) for side in sides)
    return replace(found, repeated=repeated, sides=sides, units=units) if repeated or units[0] else found


def _by(session: Session, goal: Goal, paired: _Paired) -> tuple[Estimate, Estimate, Difference]:
    if paired.sides:
        return _with_all(goal, paired.shape, paired.names, paired.sides, paired.units)
    names = amounts_of(goal)
    pairs = comparisons.amounts(session, paired.base, paired.other, names) if names else ()
    return judged(goal, paired.cells, paired.shape, pairs)


def _tried(session: Session, project: Project, rows: tuple[Comparable, Comparable], scored: Judged) -> Tried | None:
    a, b, difference = scored
    if a is None or b is None or difference is None:
        return None
    return tried(session, project, (rows[0].evaluation, rows[1].evaluation), (a, b), difference)


def _nothing_shared(base: Side, other: Side) -> str:
    if base.split != other.split and base.test_set_version_id == other.test_set_version_id:
        return (
            f"{base.letter} answered {base.split} and {other.letter} answered {other.split}, "
            "which have no example in common: evaluate one of the prompts on the other split."
        )
    return f"{base.letter} and {other.letter} have no answered example in common, so nothing can be compared."


def judged(
    goal: Goal, cells: tuple[Cell, ...], shape: Shape, pairs: tuple[Pair, ...] = ()
) -> tuple[Estimate, Estimate, Difference]:
    """Both scores and their paired difference with p; kept, because the same page is read again and again.

    `pairs` are the examples one by one where the goal asks for more than readings: grades, tokens, cost.
    """
    return _with_amounts(goal, shape, pairs) if pairs else _with_readings(goal, cells, shape)


@lru_cache(maxsize=128)
def _with_readings(goal: Goal, cells: tuple[Cell, ...], shape: Shape) -> tuple[Estimate, Estimate, Difference]:
    if goal.counts_right:
        cells, shape = right_or_wrong(cells), of_labels(2)
    expected, a, b = columns(cells)
    difference = compare(goal, expected, a, b, shape, SEED, _draws(len(cells)))
    return measure(goal, expected, a, shape), measure(goal, expected, b, shape), difference


@lru_cache(maxsize=2)  # of 100,000 examples one takes 25 MB
def _with_amounts(goal: Goal, shape: Shape, pairs: tuple[Pair, ...]) -> tuple[Estimate, Estimate, Difference]:
    expected, a, b, each = (list(column) for column in zip(*pairs, strict=True))
    names, known = amounts_of(goal), list(zip(*each, strict=True))
    of_a, of_b = dict(zip(names, known, strict=False)), dict(zip(names, known[len(names) :], strict=True))
    difference = compare(goal, expected, a, b, shape, SEED, _draws(len(set(pairs))), (of_a, of_b))
    return measure(goal, expected, a, shape, of_a), measure(goal, expected, b, shape, of_b), difference


@lru_cache(maxsize=4)  # as large as those of amounts
def _with_all(
    goal: Goal,
    shape: Shape,
    names: tuple[str, ...],
    sides: tuple[tuple[Given, ...], ...],
    units: tuple[tuple[int, ...], ...],
) -> tuple[Estimate, Estimate, Difference]:
    """Of every answer: each example counts once, with the mean of its own, and groups are drawn whole."""
    a, b = (_answers(names, rows, of) for rows, of in zip(sides, units, strict=True))
    difference = compare_repeated(goal, a, b, shape, SEED, _draws(len(set(a.units or a.examples))))
    base, other = (
        measure_all([goal], one.expected, one.answered, shape, one.amounts, one.examples, one.units)[0]
        for one in (a, b)
    )
    return base, other, difference


def _answers(names: tuple[str, ...], rows: tuple[Given, ...], units: tuple[int, ...]) -> Answers:
    examples, expected, read, known = (list(column) for column in zip(*rows, strict=True))
    amounts = dict(zip(names, map(list, zip(*known, strict=True)), strict=True))
    return Answers(expected, read, examples, amounts, units)


def _draws(cells: int) -> int:
    """Fewer where there are very many different answers, so that a page is not waited for; never under two thousand."""
    return max(2_000, min(DRAWS, 20_000_000 // max(1, cells)))


def _with_verdicts(found: Sequence[Comparison], smallest_gain: float) -> list[Comparison]:
    """The same with p adjusted for as many comparisons as could be made."""
    ps = {one.other: one.difference.p for one in found if one.difference and one.difference.p is not None}
    adjusted = dict(zip(ps, holm(list(ps.values())), strict=True))
    return [_judged_by(one, adjusted.get(one.other), smallest_gain) for one in found]


def _judged_by(one: Comparison, p: float | None, smallest_gain: float) -> Comparison:
    if p is None or one.difference is None:
        return one
    return replace(one, p_holm=p, verdict=verdict(replace(one.difference, p=p), smallest_gain))
