"""Amounts of what a purchase uses: calls, tokens and money, and how many of them fit under caps."""

from collections.abc import Iterable
from dataclasses import dataclass

NEAR_THE_END = 4  # the share of what is left that one holder may take, so that several can use the last of a cap


@dataclass(frozen=True)
class Amount:
    """So many calls and tokens, and so much money in micro-units."""

    calls: int = 0
    tokens: int = 0
    cost: int = 0

    def __add__(self, other: "Amount") -> "Amount":
        return Amount(self.calls + other.calls, self.tokens + other.tokens, self.cost + other.cost)

    def __sub__(self, other: "Amount") -> "Amount":
        return Amount(self.calls - other.calls, self.tokens - other.tokens, self.cost - other.cost)

    def lacking(self, unit: "Amount") -> "Amount":
        """What of the unit this amount is not enough for, each kind whole or not at all."""
        return Amount(
            unit.calls if self.calls < unit.calls else 0,
            unit.tokens if self.tokens < unit.tokens else 0,
            unit.cost if self.cost < unit.cost else 0,
        )

    def times(self, count: int) -> "Amount":
        return Amount(self.calls * count, self.tokens * count, self.cost * count)


NOTHING = Amount()


@dataclass(frozen=True)
class Room:
    """What is left under one account's caps; None has no cap."""

    calls: int | None = None
    tokens: int | None = None
    cost: int | None = None

    def fits(self, unit: Amount) -> int | None:
        """How many such units fit; None when nothing limits them."""
        pairs = ((self.calls, unit.calls), (self.tokens, unit.tokens), (self.cost, unit.cost))
        counts = [max(0, left) // each for left, each in pairs if left is not None and each > 0]
        return min(counts) if counts else None


def grant(rooms: Iterable[Room], unit: Amount, wanted: int) -> int:
    """How many of the wanted units may be reserved at once under every account."""
    fitting = [count for room in rooms if (count := room.fits(unit)) is not None]
    if not fitting:
        return wanted
    left = min(fitting)
    return min(wanted, left, max(1, left // NEAR_THE_END))


def worst_case(characters: int, max_tokens: int, price_in: int | None, price_out: int | None) -> Amount:
    """The most one request can use: a token for every byte sent and every token it may answer with.

    Prices are micro-units per million tokens; an unknown one counts as nothing here, and caps on money refuse it
    before a run starts.
    """
    spent = (price_in or 0) * characters + (price_out or 0) * max_tokens
    return Amount(1, characters + max_tokens, -(-spent // 1_000_000))


CENT = 10_000
UNITS = {"calls": "calls", "tokens": "tokens", "cost": "money"}


def said(kind: str, amount: int) -> str:
    """An amount of calls, tokens or cost in words."""
    if kind != "cost":
        return f"{amount:,} {kind}"
    return f"${amount / 1_000_000:,.2f}" if not 0 < amount < CENT else f"${amount / 1_000_000:.6f}".rstrip("0")


def part_said(kind: str, part: int, whole: int) -> str:
    """So much of an amount, in words."""
    return f"{said(kind, part).removesuffix(f' {kind}')} of {said(kind, whole)}"
