"""What endpoints cost: proposed when they are added or moved to another address, changed by people."""

from collections.abc import Mapping
from datetime import UTC, date, datetime

from app.errors import Invalid, Problem
from app.services import pricelist
from app.storage import prices
from app.storage.base import now
from app.storage.endpoints import Endpoint
from app.storage.prices import Price

PRICED = ("price_in", "price_out", "price_cached_in")


def first(base_url: str, name: str, given: Mapping[str, float | None]) -> Price | None:
    """The price of a new endpoint: as `given` in money per million tokens, else as proposed; None when unknown."""
    known = {field: micro(price, field) for field, price in given.items() if price is not None}
    return Price(source=prices.PERSON, **known) if known else _proposed(base_url, name)


def _proposed(base_url: str, name: str) -> Price | None:
    """What the price list says of a hosted model, nothing for a server of one's own; None when unknown."""
    listed = pricelist.look_up(base_url, name)
    if listed is not None:
        return Price(**vars(listed))
    return Price(price_in=0, price_out=0, source=prices.LOCAL) if pricelist.is_local(base_url) else None


def change(endpoint: Endpoint, given: Mapping[str, float | None], starts: date | None) -> None:
    """Add a price that a person gave; what is left out stays as it is by then. Raises Invalid naming the field."""
    moment = _beginning(starts)
    before = prices.in_force(endpoint.prices, moment)
    values = {field: getattr(before, field) if before else None for field in PRICED}
    values |= {field: micro(price, field) for field, price in given.items()}
    endpoint.prices.append(Price(valid_from=moment, source=prices.PERSON, **values))


def moved(endpoint: Endpoint, base_url: str) -> None:
    """Add what the new address makes of a price; one that a person set stays."""
    before = endpoint.price
    if before is not None and before.source == prices.PERSON:
        return
    proposed = _proposed(base_url, endpoint.name)
    if proposed is None and before is not None:
        proposed = Price(source=prices.UNKNOWN)
    if proposed is not None:
        proposed.valid_from = now()
        endpoint.prices.append(proposed)


def _beginning(day: date | None) -> datetime:
    moment = now()
    if day is None or day == moment.date():
        return moment
    if day < moment.date():
        raise Invalid([Problem("must be today or a later day: calls that were made keep what they cost", "starts")])
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def micro(price: float | None, field: str) -> int | None:
    """Micro-units of a price in money, None when unknown. Raises Invalid naming the field."""
    if price is None:
        return None
    if not 0 <= price < 1_000_000:
        raise Invalid([Problem("must be a price per million tokens, 0 or more, or nothing when it is unknown", field)])
    return round(price * 1_000_000)
