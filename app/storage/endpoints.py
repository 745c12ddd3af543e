"""Providers and the language models behind them: their limits, what each can and refuses, what it costs."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, joinedload, mapped_column, relationship

from app.domain.capabilities import Capabilities
from app.domain.roles import Part, plays
from app.errors import Invalid, NotFound
from app.storage.base import Base, Owned, new_id, now
from app.storage.prices import Price, in_force


class Provider(Owned, Base):
    """A base URL with its key. Changing the URL clears the key, so that no key follows to another host.

    `in_flight`, `requests_per_minute` and `tokens_per_minute` hold for the key, over all workers; None is no limit.
    """

    __tablename__ = "provider"
    __table_args__ = (UniqueConstraint("workspace_id", "name"),)
    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str]
    base_url: Mapped[str]
    encrypted_key: Mapped[str | None]
    simulated: Mapped[bool] = mapped_column(default=False)
    in_flight: Mapped[int | None]
    requests_per_minute: Mapped[int | None]
    tokens_per_minute: Mapped[int | None]


class Endpoint(Owned, Base):
    """One language model at a provider. `role` is task, generator, judge, embedder, or empty for all but the last.

    Its prices come with it, so that each call is reckoned at the price of its moment without asking the database.
    `capabilities` is what the probe at `probed_at` found, and stays when a later one had no answer (`failure`, at
    `failed_at`). `fallbacks` are the ids of the endpoints that answer instead while this one cannot, in order; theirs
    are not followed. `fallback_counts`: whether rows that another model answered are scored.
    """

    __tablename__ = "endpoint"
    __table_args__ = (UniqueConstraint("provider_id", "name"),)
    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    provider_id: Mapped[str] = mapped_column(ForeignKey("provider.id"))
    name: Mapped[str]
    role: Mapped[str] = mapped_column(default="")
    about: Mapped[str] = mapped_column(default="")
    dropped: Mapped[list[Any]] = mapped_column(default=list)
    renamed: Mapped[dict[str, Any]] = mapped_column(default=dict)
    fallbacks: Mapped[list[Any]] = mapped_column(default=list)
    capabilities: Mapped[dict[str, Any]] = mapped_column(default=dict)
    probed_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    failure: Mapped[str] = mapped_column(default="")
    fallback_counts: Mapped[bool] = mapped_column(default=False)
    provider: Mapped[Provider] = relationship(lazy="joined", innerjoin=True)
    prices: Mapped[list[Price]] = relationship(lazy="selectin", order_by=Price.id, cascade="all, delete-orphan")

    @property
    def full_name(self) -> str:
        return f"{self.provider.name}/{self.name}"

    @property
    def simulated(self) -> bool:
        return self.provider.simulated

    @property
    def can(self) -> Capabilities:
        return Capabilities.of(self.capabilities)

    def forget_findings(self) -> None:
        """For when another server answers under the same name."""
        self.capabilities, self.probed_at, self.failed_at, self.failure = {}, None, None, ""
        self.dropped, self.renamed = [], {}

    @property
    def price(self) -> Price | None:
        """What is in force now."""
        return in_force(self.prices, now())

    @property
    def history(self) -> list[Price]:
        """Every price, the newest first; those that have not begun yet lead."""
        return sorted(self.prices, key=lambda price: (price.valid_from, price.id), reverse=True)

    @property
    def price_in(self) -> int | None:
        """Micro-units per million tokens, None when unknown."""
        return self.price.price_in if self.price else None

    @property
    def price_out(self) -> int | None:
        return self.price.price_out if self.price else None

    def cost(self, tokens_in: int | None, tokens_out: int | None) -> int | None:
        """Micro-units for one call now, or None when a price or a count is not known."""
        return self.price.cost(tokens_in, tokens_out) if self.price else None


def get(session: Session, endpoint_id: str) -> Endpoint:
    endpoint = session.get(Endpoint, endpoint_id)
    if endpoint is None:
        raise NotFound("There is no such endpoint.")
    return endpoint


def get_provider(session: Session, provider_id: str) -> Provider:
    provider = session.get(Provider, provider_id)
    if provider is None:
        raise NotFound("There is no such provider.")
    return provider


def provider_named(session: Session, name: str) -> Provider | None:
    return session.scalar(select(Provider).where(Provider.name == name))


def named(session: Session, full_name: str) -> Endpoint | None:
    """The endpoint PROVIDER/NAME; the name may hold further slashes."""
    provider, slash, name = full_name.partition("/")
    if not slash or not provider or not name:
        raise Invalid(f"'{full_name}' is not PROVIDER/NAME, for example practice/scholar-v1.")
    query = select(Endpoint).join(Provider).where(Provider.name == provider, Endpoint.name == name)
    return session.scalar(query)


def learn(session: Session, full_name: str, dropped: Iterable[str], renamed: Iterable[tuple[str, str]]) -> None:
    """Remember which request parameters an endpoint was found to refuse, or to call otherwise."""
    endpoint = named(session, full_name)
    if endpoint is not None:
        endpoint.dropped = sorted({*endpoint.dropped, *dropped})
        endpoint.renamed = {**endpoint.renamed, **dict(renamed)}


def listed(session: Session) -> list[Endpoint]:
    query = select(Endpoint).join(Provider).options(joinedload(Endpoint.provider))
    return sorted(session.scalars(query), key=lambda endpoint: (endpoint.simulated, endpoint.full_name))


def playing(session: Session, part: Part) -> list[Endpoint]:
    """Those that may be chosen for a part."""
    return [endpoint for endpoint in listed(session) if plays(endpoint.role, part)]


def providers(session: Session) -> list[Provider]:
    return sorted(session.scalars(select(Provider)), key=lambda provider: (provider.simulated, provider.name))


def providers_with_key(session: Session) -> list[Provider]:
    """Those that hold a key, kept from others until the transaction ends."""
    query = select(Provider).where(Provider.encrypted_key.is_not(None)).order_by(Provider.id).with_for_update()
    return sorted(session.scalars(query), key=lambda provider: provider.name)
