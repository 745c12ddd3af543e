"""The whole contract between an improver and the shell: what it may ask, and what it is sent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Message:
    role: Literal["system", "user"]
    content: str


@dataclass(frozen=True)
class Sampling:
    """How a reply is drawn; `seed` makes practice models repeatable and is best effort elsewhere."""

    temperature: float
    max_tokens: int
    seed: int | None = None


@dataclass(frozen=True)
class Generate:
    """Write me something: one request to whoever sits in this seat."""

    seat: str
    messages: tuple[Message, ...]
    sampling: Sampling


@dataclass(frozen=True)
class Score:
    """How good are these prompt texts on the first `upto` examples of this split's fixed order?"""

    texts: tuple[str, ...]
    split: Literal["train", "dev"]
    upto: int


@dataclass(frozen=True)
class Known:
    """Which of these fingerprints were tried in this campaign before this round?"""

    fingerprints: frozenset[str]


@dataclass(frozen=True)
class Refusal:
    """A proposal that never battles: the rule's name, and what in it broke the rule."""

    rule: str
    detail: str


@dataclass(frozen=True)
class Proposed:
    """Not a question: what each seat proposed, told before money is spent on it. Answered with Noted."""

    drafts: tuple[tuple[str, str | Refusal], ...]


@dataclass(frozen=True)
class Noted:
    """The answer to what was only told."""


@dataclass(frozen=True)
class Together:
    """Plain asks that may be bought side by side; answers come back in their order."""

    asks: tuple[Generate, ...]


@dataclass(frozen=True)
class Reply:
    """What a generator wrote. `complete` is false when it was cut off or refused to finish."""

    text: str
    complete: bool


@dataclass(frozen=True)
class Shown:
    """One train example as the prompt's placeholders see it, with the reply it got; no other is ever shown.

    `grade` is what a grader said of the reply, where one was asked.
    """

    values: Mapping[str, str]
    expected: str
    answered: str
    right: bool
    grade: str = ""


@dataclass(frozen=True)
class Scored:
    """One text's answers on a complete prefix: codes of answers, -1 where the reply was unreadable.

    `amounts` hold what else the goal asks of every answer, such as its tokens; `units` are equal for examples of one
    group, and empty where every example stands alone.
    """

    expected: tuple[int, ...]
    answered: tuple[int, ...]
    shown: tuple[Shown, ...] = ()
    amounts: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    units: tuple[int, ...] = ()

    @property
    def n(self) -> int:
        return len(self.expected)

    @property
    def right(self) -> tuple[bool, ...]:
        return tuple(a == b for a, b in zip(self.expected, self.answered, strict=True))

    def first(self, n: int) -> "Scored":
        amounts = {name: found[:n] for name, found in self.amounts.items()}
        return Scored(self.expected[:n], self.answered[:n], self.shown[:n], amounts, self.units[:n])


@dataclass(frozen=True)
class Exhausted:
    """A refused purchase: the cap is spent. What was bought stays, and is in the store."""


Ask = Generate | Score | Known | Proposed | Together
Answer = Reply | tuple[Scored, ...] | frozenset[str] | tuple[Reply, ...] | Noted | Exhausted
