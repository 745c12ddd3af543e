"""The arena recipe: each round two generators propose, both race the champion on dev and battle each other."""

from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import cast

from app.domain.comparing import Difference, evidence, paired_interval
from app.domain.improving.asks import (
    Answer,
    Ask,
    Exhausted,
    Generate,
    Known,
    Proposed,
    Refusal,
    Reply,
    Sampling,
    Score,
    Scored,
    Shown,
    Together,
)  # fmt: skip
from app.domain.improving.briefs import Standing, Task, meta_prompt, read_proposal
from app.domain.improving.candidates import refuse
from app.domain.improving.state import Departure, Member, Rules, State, begin, enter
from app.domain.metrics import Estimate
from app.domain.prompts import fingerprint, placeholders
from app.domain.racing import DROP_AT, counts, decisive, drop_evidence, looks
from app.domain.units import first_of_each

SEATS = ("left", "right")

Turn = Generator[Ask, Answer, "RoundResult"]
Drafts = tuple[tuple[str, str | Refusal], ...]


@dataclass(frozen=True)
class Contender:
    """What became of one seat's proposal. `scored` is its longest complete dev prefix."""

    seat: str
    draft: str | Refusal | None
    scored: Scored
    estimate: Estimate | None = None
    dropped_at: int | None = None
    entered: bool = False

    @property
    def valid(self) -> bool:
        return isinstance(self.draft, str)


@dataclass(frozen=True)
class BattleResult:
    """Left against right on the largest prefix both answered; `outcome` is left, right, tie or none."""

    outcome: str
    walkover: bool = False
    decisive: bool | None = None
    left: Estimate | None = None
    right: Estimate | None = None
    difference: Difference | None = None
    evidence: str | None = None
    only_left: int = 0
    only_right: int = 0
    both_right: int = 0
    both_wrong: int = 0
    n: int = 0


@dataclass(frozen=True)
class RoundResult:
    contenders: tuple[Contender, ...]
    battle: BattleResult
    departures: tuple[Departure, ...]
    champion_changed: bool
    state: State
    exhausted: bool


def opening(start: str, rules: Rules) -> Generator[Ask, Answer, State | None]:
    """Round 0: the start prompt's full dev score. None when the budget does not reach that far."""
    answer = yield Score((start,), "dev", rules.dev_size)
    if isinstance(answer, Exhausted):
        return None
    (scored,) = cast("tuple[Scored, ...]", answer)
    return begin(start, rules.measure(scored))


def arena_round(state: State, task: Task, rules: Rules, seed: int, forbidden: bytes) -> Turn:
    """One round from its frozen inputs; every random choice comes from the seed and the round's number."""
    number = state.round + 1
    rng = Random(f"{seed}:round:{number}")
    pattern = placeholders(state.start.text)
    reflected = yield Score((state.champion.text,), "train", min(rules.reflect_on, rules.train_size))
    if isinstance(reflected, Exhausted):
        return _cut_short(state, number)
    shown = cast("tuple[Scored, ...]", reflected)[0].shown
    requests, suffixes = _requests(state, task, rules, shown, rng)
    replies = yield Together(requests)
    if isinstance(replies, Exhausted):
        return _cut_short(state, number)
    proposals = tuple(
        read_proposal(reply, suffix) for reply, suffix in zip(cast("tuple[Reply, ...]", replies), suffixes, strict=True)
    )
    drafts = yield from _checked(proposals, pattern, rules, forbidden)
    yield Proposed(drafts)
    contenders, exhausted = yield from _race(dict(drafts), state.champion.text, rules)
    return _settle(replace(state, round=number), contenders, rules, exhausted)


def _cut_short(state: State, number: int) -> RoundResult:
    empty = tuple(Contender(seat, None, Scored((), ())) for seat in SEATS)
    return RoundResult(empty, BattleResult("none"), (), False, replace(state, round=number), True)


def _requests(
    state: State, task: Task, rules: Rules, shown: Sequence[Shown], rng: Random
) -> tuple[tuple[Generate, ...], tuple[str, ...]]:
    ascending = sorted(state.pool, key=lambda member: (member.value, member == state.champion, member.round))
    standings = [Standing(m.text, m.value, m.low, m.high, m.n) for m in ascending]
    wrong = _varied([e for e in shown if not e.right], rules.show_wrong, rng)
    right = _varied([e for e in shown if e.right], rules.show_right, rng)
    suffixes = tuple(f"{rng.getrandbits(40):010x}" for _ in SEATS)
    requests = tuple(
        Generate(
            seat,
            meta_prompt(task, standings, wrong, right, suffix),
            Sampling(rules.temperature, rules.max_tokens, rng.randrange(2**31)),
        )
        for seat, suffix in zip(SEATS, suffixes, strict=True)
    )
    return requests, suffixes


def _varied(examples: list[Shown], count: int, rng: Random) -> list[Shown]:
    """A random choice that spreads over the expected labels before it repeats one."""
    rng.shuffle(examples)
    taken: Counter[str] = Counter()
    turns = []
    for example in examples:
        turns.append((taken[example.expected], example))
        taken[example.expected] += 1
    return [example for _, example in sorted(turns, key=lambda turn: turn[0])[:count]]


def _checked(
    proposals: Sequence[str | Refusal], pattern: Counter[str], rules: Rules, forbidden: bytes
) -> Generator[Ask, Answer, Drafts]:
    """Apply the rules to what was proposed; the right one may not repeat the left one."""
    prints = frozenset(fingerprint(proposal) for proposal in proposals if isinstance(proposal, str))
    known = cast("frozenset[str]", (yield Known(prints)))
    drafts: list[tuple[str, str | Refusal]] = []
    for seat, proposal in zip(SEATS, proposals, strict=True):
        refusal = proposal if isinstance(proposal, Refusal) else None
        if isinstance(proposal, str):
            refusal = refuse(proposal, pattern, rules.prompt_limit, known, forbidden)
            known |= {fingerprint(proposal)}
        drafts.append((seat, refusal or proposal))
    return tuple(drafts)


def _race(
    drafts: Mapping[str, str | Refusal], champion: str, rules: Rules
) -> Generator[Ask, Answer, tuple[tuple[Contender, ...], bool]]:
    """Score the valid drafts look by look, dropping early whoever is not better than the champion by what matters."""
    contenders = {seat: Contender(seat, draft, Scored((), ())) for seat, draft in drafts.items()}
    alive = [seat for seat in SEATS if contenders[seat].valid]
    title = yield Score((champion,), "dev", rules.dev_size)
    if isinstance(title, Exhausted):
        return tuple(contenders.values()), True
    holder = cast("tuple[Scored, ...]", title)[0]
    for look in looks(rules.dev_size):
        if not alive:
            break
        answer = yield Score(tuple(cast("str", drafts[seat]) for seat in alive), "dev", look)
        if isinstance(answer, Exhausted):
            return tuple(contenders.values()), True
        for seat, scored in zip(tuple(alive), cast("tuple[Scored, ...]", answer), strict=True):
            drop = look < rules.dev_size and _hopeless(scored, holder, rules)
            contenders[seat] = replace(
                contenders[seat], scored=scored, estimate=rules.measure(scored), dropped_at=look if drop else None
            )
            if drop:
                alive.remove(seat)
    return tuple(contenders.values()), False


def _hopeless(scored: Scored, champion: Scored, rules: Rules) -> bool:
    """The e-process is valid for differences of right answers; no other goal has one, so none is dropped early by it.

    It asks for examples that tell nothing of each other, so of a group the first one counts.
    """
    if not rules.leading.counts_right:
        return False
    both = (first_of_each(right, scored.units) for right in (scored.right, champion.right[: scored.n]))
    wins, losses, ties = counts(*both)
    return drop_evidence(wins, losses, ties, rules.smallest_gain) >= DROP_AT


def _settle(state: State, contenders: tuple[Contender, ...], rules: Rules, exhausted: bool) -> RoundResult:
    battle = fight(contenders[0], contenders[1], rules)
    before, departures, entered = state.champion, list[Departure](), {}
    for contender in contenders:
        if contender.estimate is None or contender.scored.n < rules.dev_size:
            continue
        estimate, text = contender.estimate, cast("str", contender.draft)
        member = Member(text, estimate.value, estimate.low, estimate.high, estimate.n, state.round, contender.seat)
        state, gone, entered[contender.seat] = enter(state, member, rules.pool_size)
        departures += gone
    changed = state.champion != before
    idle = not exhausted and not any(contender.valid for contender in contenders)
    state = replace(state, barren=0 if changed else state.barren + 1, empty=state.empty + 1 if idle else 0)
    marked = tuple(replace(c, entered=entered.get(c.seat, False)) for c in contenders)
    return RoundResult(marked, battle, tuple(departures), changed, state, exhausted)


def fight(left: Contender, right: Contender, rules: Rules) -> BattleResult:
    """The battle's outcome by score, and its evidence by the interval of the paired difference (right minus left)."""
    if not (left.valid and right.valid):
        walkover = left.valid != right.valid
        winner = "left" if left.valid else "right"
        return BattleResult(winner if walkover else "none", walkover=walkover, left=left.estimate, right=right.estimate)
    n = min(left.scored.n, right.scored.n)
    if n == 0:
        return BattleResult("none")
    a, b = left.scored.first(n), right.scored.first(n)
    ours, theirs = rules.measure(a), rules.measure(b)
    both = a.amounts, b.amounts
    difference = paired_interval(
        rules.leading, a.expected, a.answered, b.answered, rules.answer_shape, amounts=both, units=a.units
    )
    pairs = Counter(zip(a.right, b.right, strict=True))
    apart = Counter(first_of_each(list(zip(a.right, b.right, strict=True)), a.units))
    return BattleResult(
        outcome=_outcome(theirs.value - ours.value, rules.smallest_gain),
        decisive=decisive(apart[True, False], apart[False, True]) if rules.leading.counts_right else None,
        left=ours,
        right=theirs,
        difference=difference,
        evidence=evidence(difference, rules.smallest_gain),
        only_left=pairs[True, False],
        only_right=pairs[False, True],
        both_right=pairs[True, True],
        both_wrong=pairs[False, False],
        n=n,
    )


def _outcome(right_minus_left: float, smallest_gain: float) -> str:
    gap = round(right_minus_left, 9)
    if abs(gap) <= smallest_gain:
        return "tie"
    return "right" if gap > 0 else "left"
