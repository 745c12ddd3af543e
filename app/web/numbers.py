"""Numbers from outside: whole ones that a database can hold, and amounts of money."""

from math import isfinite
from typing import Annotated

from pydantic import Field

from app.errors import Invalid, Problem

LARGEST = 2**31 - 1
Whole = Annotated[int, Field(ge=0, le=LARGEST)]
Code = Annotated[int, Field(ge=-1, lt=2**62)]
_MOST_MONEY = 1_000_000_000


def micro(money: float, field: str) -> int:
    """Millionths of an amount of money. Raises Invalid naming the field."""
    if not (isfinite(money) and 0 <= money <= _MOST_MONEY):
        raise Invalid([Problem(f"must be an amount of money from 0 to {_MOST_MONEY:,}", field)])
    return round(money * 1_000_000)


def read_count(text: str, field: str) -> int | None:
    """A whole number as it was typed, None when empty. Raises Invalid naming the field."""
    plain = text.replace(",", "").replace(" ", "")
    if not plain:
        return None
    if not (plain.isascii() and plain.isdigit()) or len(plain) > 15:
        raise Invalid([Problem("must be a whole number, 0 or more, or empty for no cap", field)])
    return int(plain)


def read_money(text: str, field: str) -> int | None:
    """Millionths of money from an amount as it was typed, None when empty. Raises Invalid naming the field."""
    plain = text.strip().removeprefix("$").replace(",", "")
    if not plain:
        return None
    try:
        return micro(float(plain), field)
    except ValueError:
        raise Invalid([Problem("must be an amount of money, such as 2.50, or empty for no cap", field)]) from None


def typed_money(amount: int | None) -> str:
    """Millionths of money as one types it, empty for None."""
    return "" if amount is None else f"{amount / 1_000_000:.6f}".rstrip("0").rstrip(".")
