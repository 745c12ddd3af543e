"""Decides whose turn it is where several parties wait for the same limit: that of the one that was served least.

Start-time fair queueing (Goyal, Vin and Cheng, 1996), with the queue in the heads of those who wait: who is refused is
expected back at the time it was told. Who comes to an idle limit starts where the others are, not at zero.
`app/gateway/sharing.lua` says the same in Lua.
"""

from dataclasses import dataclass, field, replace

GRACE = 0.5  # seconds that a party may be late before the others stop waiting for it
AGAIN = 0.02  # seconds until one that let another go first asks again
KEPT = 60.0  # seconds that a party's share counts after it was served last


@dataclass(frozen=True)
class Party:
    """`served` is the share of a minute it has had; it is forgotten at `until`, and expected at `back` if refused."""

    name: str
    served: float
    until: float
    back: float | None = None


@dataclass(frozen=True)
class Turns:
    """`served` is what the party had had that was served last; nobody starts with less."""

    served: float = 0.0
    parties: tuple[Party, ...] = field(default=())

    def had(self, name: str) -> float:
        return max([self.served, *(party.served for party in self.parties if party.name == name)])


def waiting(turns: Turns, name: str, now: float) -> list[Party]:
    """The other parties that were refused and are expected."""
    return [party for party in turns.parties if party.name != name and party.back is not None and party.until > now]


def let_pass(turns: Turns, name: str, now: float) -> float:
    """Seconds for which this party lets another go first; 0 when it is its turn."""
    had = turns.had(name)
    backs = [party.back - now for party in waiting(turns, name, now) if party.back is not None and party.served < had]
    return max(AGAIN, min(backs)) if backs else 0.0


def served(turns: Turns, name: str, share: float, now: float) -> Turns:
    had = turns.had(name)
    return Turns(had, (*_others(turns, name, now), Party(name, had + share, now + KEPT)))


def refused(turns: Turns, name: str, wait: float, now: float) -> Turns:
    me = Party(name, turns.had(name), now + wait + GRACE, now + wait)
    return replace(turns, parties=(*_others(turns, name, now), me))


def moved_back(turns: Turns, seconds: float) -> Turns:
    """The turns by a clock that was set back."""
    parties = (
        replace(party, until=party.until - seconds, back=None if party.back is None else party.back - seconds)
        for party in turns.parties
    )
    return replace(turns, parties=tuple(parties))


def _others(turns: Turns, name: str, now: float) -> list[Party]:
    return [party for party in turns.parties if party.name != name and party.until > now]
