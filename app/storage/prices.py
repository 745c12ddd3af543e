"""What a million tokens cost at an endpoint, and since when: rows are added, none is ever changed."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.storage.base import OWNER, Base, BigId, now

PERSON = "person"
LOCAL = "local"
UNKNOWN = "unknown"


class Price(Base):
    """Micro-units of money per million tokens from a moment on, None when unknown.

    `source` says where it comes from: a person, "snapshot VERSION of DATE", "local" for a server of one's own,
    or "unknown" when nothing tells what the address asks.
    """

    __tablename__ = "price"
    __table_args__ = (Index("ix_price_endpoint", "endpoint_id", "valid_from"),)
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    endpoint_id: Mapped[str] = mapped_column(ForeignKey("endpoint.id"))
    valid_from: Mapped[datetime] = mapped_column(default=now)
    price_in: Mapped[int | None] = mapped_column(BigInteger)
    price_out: Mapped[int | None] = mapped_column(BigInteger)
    price_cached_in: Mapped[int | None] = mapped_column(BigInteger)
    source: Mapped[str] = mapped_column(default=PERSON)
    created_by: Mapped[str] = mapped_column(ForeignKey("person.id"), default=OWNER)

    def cost(self, tokens_in: int | None, tokens_out: int | None, tokens_cached: int | None = None) -> int | None:
        """Micro-units for one call, or None when a price or a count is not known.

        `tokens_cached` of those in came from the provider's cache; without a price of their own they cost as others do.
        """
        if self.price_in is None or self.price_out is None or tokens_in is None or tokens_out is None:
            return None
        cached = min(tokens_cached or 0, tokens_in)
        price_cached = self.price_in if self.price_cached_in is None else min(self.price_cached_in, self.price_in)
        whole = self.price_in * (tokens_in - cached) + price_cached * cached + self.price_out * tokens_out
        return round(whole / 1_000_000)


def in_force(prices: Iterable[Price], moment: datetime) -> Price | None:
    """The newest that began, of an endpoint's prices in the order they were written down."""
    begun = [price for price in sorted(prices, key=lambda one: one.valid_from) if price.valid_from <= moment]
    return begun[-1] if begun else None
