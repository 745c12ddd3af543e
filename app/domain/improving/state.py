"""What a campaign knows between two rounds: its rules, its pool, its champion; small enough to snapshot."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from app.domain import shapes
from app.domain.goals import Goal, parse_goal, parse_goals
from app.domain.improving.asks import Scored
from app.domain.metrics import Estimate, measure
from app.domain.prompts import fingerprint
from app.domain.shapes import Shape
from app.domain.summing import amounts_of

STATE_VERSION = 1


@dataclass(frozen=True)
class Rules:
    """Everything a campaign decides by; frozen when it is created.

    `shape` is the dumped shape of the answers; without one they are one label out of `labels`. `calls_each` are those
    of one answer with its grade.
    """

    goal: str
    labels: int
    train_size: int
    dev_size: int
    smallest_gain: float = 0.02
    pool_size: int = 8
    reflect_on: int = 60
    show_wrong: int = 6
    show_right: int = 3
    prompt_limit: int = 12_000
    max_rounds: int = 20
    patience: int = 8
    temperature: float = 1.0
    max_tokens: int = 8192
    task_max_tokens: int = 256
    show_characters: int = 2000
    empty_rounds: int = 5
    shape: Mapping[str, Any] | None = None
    calls_each: int = 1

    def measure(self, scored: Scored) -> Estimate:
        return measure(self.leading, scored.expected, scored.answered, self.answer_shape, scored.amounts, scored.units)

    @property
    def leading(self) -> Goal:
        """The goal that decides: the first of several."""
        return parse_goal(self.goal)

    @property
    def answer_shape(self) -> Shape:
        return shapes.load(self.shape) if self.shape else shapes.of_labels(self.labels)

    @property
    def amounts(self) -> tuple[str, ...]:
        """What `Scored.amounts` must hold, for every goal."""
        return tuple(dict.fromkeys(name for goal in parse_goals(self.goal) for name in amounts_of(goal)))


@dataclass(frozen=True)
class Member:
    """One prompt of the pool with its full dev score and the round and seat it came from (round 0: the start)."""

    text: str
    value: float
    low: float
    high: float
    n: int
    round: int
    seat: str = ""

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.text)


@dataclass(frozen=True)
class State:
    """`pool` is in order of entry; `barren` counts rounds without a new champion, `empty` those without a proposal."""

    round: int
    pool: tuple[Member, ...]
    champion: Member
    start: Member
    barren: int = 0
    empty: int = 0

    def dump(self) -> dict[str, Any]:
        return {"version": STATE_VERSION, **asdict(self)}


def load(dumped: Mapping[str, Any]) -> State:
    """The state from its snapshot. Raises ValueError for a snapshot of another version."""
    if dumped["version"] != STATE_VERSION:
        raise ValueError(f"a snapshot of version {dumped['version']} cannot be continued")
    return State(
        round=dumped["round"],
        pool=tuple(Member(**member) for member in dumped["pool"]),
        champion=Member(**dumped["champion"]),
        start=Member(**dumped["start"]),
        barren=dumped["barren"],
        empty=dumped["empty"],
    )


def begin(text: str, estimate: Estimate) -> State:
    start = Member(text, estimate.value, estimate.low, estimate.high, estimate.n, round=0)
    return State(round=0, pool=(start,), champion=start, start=start)


@dataclass(frozen=True)
class Departure:
    """A prompt pushed out of the pool, and by what."""

    fingerprint: str
    why: str


def enter(state: State, member: Member, pool_size: int) -> tuple[State, tuple[Departure, ...], bool]:
    """Let a fully scored prompt in if there is room or it beats the pool's worst.

    The champion changes on a strictly higher score alone. Returns the new state, who had to go, and whether it entered.
    """
    gone: tuple[Departure, ...] = ()
    pool = state.pool
    if len(pool) >= pool_size:
        worst = min(pool, key=lambda m: (m.value, m == state.champion, m.round, m.seat))
        if member.value <= worst.value:
            return state, (), False
        pool = tuple(m for m in pool if m != worst)
        why = f"scored {worst.value:.3f}, pushed out by a prompt with {member.value:.3f}"
        gone = (Departure(worst.fingerprint, why),)
    champion = member if member.value > state.champion.value else state.champion
    return replace(state, pool=(*pool, member), champion=champion), gone, True


def why_to_stop(state: State, rules: Rules) -> str | None:
    """The reason for ending before the next round, if there is one."""
    if state.champion.value >= 1.0 and state.champion.n >= rules.dev_size:  # of a mean, n is of what has a grade
        return "perfect score on dev"
    if rules.max_rounds and state.round >= rules.max_rounds:
        return "rounds"
    if state.empty >= rules.empty_rounds:
        return "no valid proposals"
    if state.barren >= rules.patience:
        return "patience"
    return None
