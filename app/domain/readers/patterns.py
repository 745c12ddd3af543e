"""Searches regular expressions in time linear in the text, so that no pattern or reply can hold up a worker.

Python's own search goes back and tries again, which on some patterns takes for ever and cannot be stopped. Here a
pattern becomes a nondeterministic automaton (Thompson 1968) that is in several states at once and reads each character
once; sets of states that were met before are looked up. Python's engine is asked about single characters only.
"""

from dataclasses import dataclass, field

from app.domain.readers.syntax import Alternatives, Assertion, Node, Repeat, Sequence, Test, parsed
from app.errors import Invalid

MOST_STATES = 500
_MOST_HELD = 200_000  # numbers in all sets of states that are remembered: about 12 MB
_MOST_KEPT = 10_000  # and after a search
START, NEW_LINE, WORD, OTHER = "", "\n", "w", " "


@dataclass
class _State:
    """Passes a character that `test` allows; without one it passes on at once, where the assertion holds if any."""

    after: list[int] = field(default_factory=list)
    test: Test | None = None
    holds: Assertion | None = None


def compiled(text: str) -> "Pattern":
    """The pattern of a regular expression. Raises Invalid with what is wrong or cannot be used."""
    states: list[_State] = []
    first, last = _build(parsed(text), states)
    return Pattern(tuple(states), first, last)


def _new(states: list[_State], state: _State) -> int:
    if len(states) >= MOST_STATES:
        raise Invalid(f"the pattern is too large: with its repeats it has more than {MOST_STATES} parts")
    states.append(state)
    return len(states) - 1


def _build(node: Node, states: list[_State]) -> tuple[int, int]:
    """(first, last) state of a part; the last has nothing after it yet."""
    if isinstance(node, Sequence):
        return _build(node.parts[0], states) if len(node.parts) == 1 else _chain(node.parts, states)
    if isinstance(node, Alternatives):
        first, last = _new(states, _State()), _new(states, _State())
        for part in node.parts:
            inner_first, inner_last = _build(part, states)
            states[first].after.append(inner_first)
            states[inner_last].after.append(last)
        return first, last
    if isinstance(node, Repeat):
        return _repeat(node, states)
    state = _State(test=node.test, holds=node.holds)
    first, last = _new(states, state), _new(states, _State())
    state.after.append(last)
    return first, last


def _chain(parts: tuple[Node, ...], states: list[_State]) -> tuple[int, int]:
    first = last = _new(states, _State())
    for part in parts:
        inner_first, inner_last = _build(part, states)
        states[last].after.append(inner_first)
        last = inner_last
    return first, last


def _repeat(node: Repeat, states: list[_State]) -> tuple[int, int]:
    first = last = _new(states, _State())
    copies = node.least if node.most is None else node.most
    skips = []
    for number in range(copies):
        if number >= node.least:
            skips.append(last)
        inner_first, inner_last = _build(node.part, states)
        states[last].after.append(inner_first)
        last = inner_last
    end = _new(states, _State())
    for state in (*skips, last):
        states[state].after.append(end)
    if node.most is None:
        inner_first, inner_last = _build(node.part, states)
        states[end].after.append(inner_first)
        states[inner_last].after.append(end)
        tail = _new(states, _State())
        states[end].after.append(tail)
        end = tail
    return first, end


class Pattern:
    """A regular expression that can be searched for; made by `compiled`."""

    def __init__(self, states: tuple[_State, ...], first: int, last: int) -> None:
        self._states, self._first, self._last = states, first, last
        self._closures: dict[tuple[frozenset[int], str, str], tuple[int, ...] | None] = {}
        self._steps: dict[tuple[frozenset[int], str, str, str], frozenset[int] | None] = {}
        self._held = 0

    def search(self, text: str) -> bool:
        """Whether the pattern matches anywhere in the text."""
        found = self._search(text)
        self._forget_beyond(_MOST_KEPT)
        return found

    def _forget_beyond(self, most: int) -> None:
        if self._held > most:
            self._steps.clear()
            self._closures.clear()
            self._held = 0

    def _search(self, text: str) -> bool:
        now, before, length = frozenset({self._first}), START, len(text)
        kinds = [*map(_kind, text), START]
        if length and kinds[length - 1] == NEW_LINE:
            kinds[length - 1] = "\n$"
        for place in range(length):
            after, character = kinds[place], text[place]
            key = (now, before, after, character)
            step = self._steps[key] if key in self._steps else self._step(key)
            if step is None:
                return True
            now, before = step, after
        return self._closed(now, before, START) is None

    def _step(self, key: tuple[frozenset[int], str, str, str]) -> frozenset[int] | None:
        """The states after one character and where a match may begin; None when a match has ended before it."""
        self._forget_beyond(_MOST_HELD)
        now, before, after, character = key
        open_states = self._closed(now, before, after)
        if open_states is None:
            self._steps[key] = None
            return None
        reached = {self._first}
        for number in open_states:
            state = self._states[number]
            if state.test is not None and state.test(character):
                reached.update(state.after)
        self._steps[key] = frozenset(reached)
        self._held += len(reached) + len(open_states)
        return self._steps[key]

    def _closed(self, now: frozenset[int], before: str, after: str) -> tuple[int, ...] | None:
        """The states with a test that are reached without a character; None when the last state is among them."""
        key = (now, before, after)
        if key not in self._closures:
            self._closures[key] = self._closure(now, before, after)
        return self._closures[key]

    def _closure(self, now: frozenset[int], before: str, after: str) -> tuple[int, ...] | None:
        seen, left = set(now), list(now)
        while left:
            state = self._states[left.pop()]
            if state.test is None and (state.holds is None or state.holds(before, after)):
                fresh = [number for number in state.after if number not in seen]
                seen.update(fresh)
                left.extend(fresh)
        if self._last in seen:
            return None
        return tuple(sorted(number for number in seen if self._states[number].test is not None))


def _kind(character: str) -> str:
    if character == "\n":
        return NEW_LINE
    return WORD if character.isalnum() or character == "_" else OTHER
