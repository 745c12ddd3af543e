"""Decides how many requests each process may have under way, so that together they never pass a limit.

A process that sends is a holder. It says about once a second how many it could use, and is given its fair share of the
limit or what the others leave free, whichever is less; so one that came late grows as the others shrink.
Shares are split by party (whose work it is) first, then by holder. `app/gateway/sharing.lua` says the same in Lua.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import floor

HOLD_SECONDS = 5.0  # a holder that was not heard for so long is dead, and its slots are free
TURN_SECONDS = 5.0  # where there are fewer slots than claims, they change hands this often


@dataclass(frozen=True)
class Holder:
    """`number` is its place in the order of arrival, `slots` what it was given, `under_way` what it last said."""

    name: str
    party: str
    number: int
    wanted: int
    under_way: int
    slots: int
    until: float

    @property
    def held(self) -> int:
        """What it may use until it asks again: those beyond its slots still run, but are not followed by others."""
        return max(self.slots, self.under_way)


@dataclass(frozen=True)
class Register:
    """The holders of one key in order of arrival, and how many ever came.

    `at` is the latest time it was told, `limit` the one that was in force then.
    """

    at: float = 0.0
    limit: int | None = None
    joined: int = 0
    holders: tuple[Holder, ...] = ()


def shares(limit: int, wants: Sequence[int], turn: int = 0) -> list[int]:
    """Whole shares of a limit, equal but for those who want less (max-min fair), what they leave going to the others.

    What does not divide goes to the first; where that would leave somebody nothing at all, to each in turn.
    """
    given = [0] * len(wants)
    hungry = [place for place, want in enumerate(wants) if want > 0]
    while hungry and limit >= len(hungry):
        each = limit // len(hungry)
        for place in hungry:
            more = min(each, wants[place] - given[place])
            given[place] += more
            limit -= more
        hungry = [place for place in hungry if given[place] < wants[place]]
    if hungry:
        first = 0 if given[hungry[0]] else turn
        for step in range(limit):
            given[hungry[(first + step) % len(hungry)]] += 1
    return given


def fair_share(limit: int, holders: Sequence[Holder], name: str, now: float) -> int:
    """The share of the holder with this name, its party's share split among the party."""
    parties: dict[str, list[Holder]] = {}
    for holder in holders:
        parties.setdefault(holder.party, []).append(holder)
    turn = floor(now / TURN_SECONDS)
    by_party = shares(limit, [sum(max(0, one.wanted) for one in several) for several in parties.values()], turn)
    for share, several in zip(by_party, parties.values(), strict=True):
        for place, holder in enumerate(several):
            if holder.name == name:
                # the party's own turns go by rounds of all parties, or one holder would have them all
                return shares(share, [one.wanted for one in several], turn // len(parties))[place]
    return 0


def assigned(
    register: Register, limit: int | None, name: str, party: str, wanted: int, under_way: int, now: float
) -> tuple[Register, int]:
    """Hear a holder and give it slots; with None for a limit, all it wants."""
    register = living(register, now)
    others = [holder for holder in register.holders if holder.name != name]
    known = next((holder for holder in register.holders if holder.name == name), None)
    number = known.number if known else register.joined
    me = Holder(name, party, number, max(0, wanted), under_way, 0, now + HOLD_SECONDS)
    everybody = sorted((*others, me), key=lambda holder: holder.number)
    if limit is None:
        slots = me.wanted
    else:
        free = max(0, limit - sum(holder.held for holder in others))
        slots = min(free, fair_share(limit, everybody, name, now))
    heard = tuple(replace(me, slots=slots) if holder is me else holder for holder in everybody)
    return Register(now, limit, register.joined + (known is None), heard), slots


def left(register: Register, name: str, now: float) -> Register:
    """The register without this holder."""
    register = living(register, now)
    return replace(register, holders=tuple(holder for holder in register.holders if holder.name != name))


def living(register: Register, now: float) -> Register:
    """The register without the dead; when the clock was set back, the times move with it."""
    back = max(0.0, register.at - now)
    moved = (replace(holder, until=holder.until - back) if back else holder for holder in register.holders)
    return Register(now, register.limit, register.joined, tuple(holder for holder in moved if holder.until > now))
