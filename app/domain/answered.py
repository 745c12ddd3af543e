"""What was answered, answer by answer, with whose example and group each is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Answers:
    """Codes, amounts (as `metrics.measure` takes them), and whose they are.

    `examples` says which example each answer is of; answers of one example follow each other, the first sample first.
    `units` are equal for answers that are drawn together, being of one group; empty where every example stands alone.
    Amounts that are `unknown` of some answer stand at 0 there, and have no mean.
    """

    expected: Sequence[int]
    answered: Sequence[int]
    examples: Sequence[int]
    amounts: Mapping[str, Sequence[float]] = field(default_factory=dict)
    units: Sequence[int] = ()
    unknown: frozenset[str] = frozenset()

    @property
    def repeated(self) -> bool:
        return len(set(self.examples)) < len(self.examples)

    def first_samples(self) -> tuple[list[int], list[int]]:
        """(expected, answered) of each example's first answer."""
        seen: set[int] = set()
        rows = [
            (expected, answered)
            for one, expected, answered in zip(self.examples, self.expected, self.answered, strict=True)
            if not (one in seen or seen.add(one))  # type: ignore[func-returns-value]
        ]
        return [expected for expected, _ in rows], [answered for _, answered in rows]
