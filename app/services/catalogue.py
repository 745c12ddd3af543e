"""Which endpoints there are: the practice models, the provider from the environment, and those a person adds."""

from collections.abc import Iterable, Mapping
from datetime import date

from sqlalchemy.orm import Session

from app.domain.prompts import clean
from app.domain.roles import Part, checked, suggested, why_not
from app.errors import Conflict, Invalid, NotFound, Problem
from app.gateway.guard import check_url
from app.gateway.listing import ModelInfo
from app.services import tariffs
from app.settings import Settings
from app.storage import endpoints, prices
from app.storage.endpoints import Endpoint, Provider
from app.storage.prices import Price
from app.storage.secrets import encrypt

PRACTICE = "practice"
OPENAI = "openai"
KEPT_BY_ENVIRONMENT = (
    "The base URL and the key of openai come from OPENAI_BASE_URL and OPENAI_API_KEY while those are set. Change them "
    "there and start Agon again, or add another provider here."
)
# The limits of a provider, and the largest that anybody could mean.
MOST = {"in_flight": 10_000, "requests_per_minute": 1_000_000, "tokens_per_minute": 1_000_000_000}
DEFAULT_TASK_MODEL = f"{PRACTICE}/scholar-v1"


def keep_practice(session: Session, base_url: str, models: Iterable[ModelInfo]) -> None:
    """Register the practice server where it listens now, and the simulated models it offers."""
    provider = endpoints.provider_named(session, PRACTICE)
    if provider is None:
        provider = Provider(name=PRACTICE, base_url=base_url, simulated=True)
        session.add(provider)
        session.flush()
    provider.base_url, provider.simulated, provider.encrypted_key = base_url, True, None
    for model in models:
        endpoint = endpoints.named(session, f"{PRACTICE}/{model.id}")
        if endpoint is None:
            session.add(
                Endpoint(
                    provider_id=provider.id,
                    name=model.id,
                    about=model.about,
                    role=model.role,
                    prices=[Price(price_in=0, price_out=0, source=prices.LOCAL)],
                )
            )
    session.flush()


def keep_environment_provider(session: Session, settings: Settings) -> None:
    """Offer `openai` with the key and base URL of the environment, when there is a key."""
    if not settings.openai_api_key:
        return
    provider = endpoints.provider_named(session, OPENAI)
    if provider is None:
        provider = Provider(name=OPENAI, base_url=settings.openai_base_url)
        session.add(provider)
    _move(session, provider, settings.openai_base_url)
    provider.encrypted_key = encrypt(settings, settings.openai_api_key)
    session.flush()


def _move(session: Session, provider: Provider, base_url: str) -> None:
    """What was found out at the old address is forgotten; another one has other prices, but for a person's."""
    if base_url == provider.base_url:
        return
    provider.base_url = base_url
    if provider.id is not None:
        for endpoint in by_provider(session)[provider.id]:
            tariffs.moved(endpoint, base_url)
            endpoint.forget_findings()


def add_provider(session: Session, settings: Settings, name: str, base_url: str, key: str) -> Provider:
    """Raises Invalid naming the field, Conflict when the name is taken."""
    name, base_url = name.strip(), base_url.strip().rstrip("/")
    if not name or "/" in name or len(name) > 60:
        raise Invalid([Problem("a short name without a slash", "name")])
    if name.casefold() == PRACTICE:
        raise Invalid([Problem("is the name of Agon's own practice models; choose another one", "name")])
    check_url(base_url)
    if endpoints.provider_named(session, name) is not None:
        raise Conflict(f"There is a provider named {name} already; change that one or choose another name.")
    provider = Provider(name=name, base_url=base_url, encrypted_key=encrypt(settings, key) if key else None)
    session.add(provider)
    session.flush()
    return provider


def change_provider(session: Session, settings: Settings, provider_id: str, base_url: str, key: str) -> Provider:
    """A changed base URL clears the key, which was given for another host, and what was found out about that one."""
    provider = endpoints.get_provider(session, provider_id)
    refuse_kept(settings, provider)
    base_url = base_url.strip().rstrip("/")
    check_url(base_url)
    if base_url != provider.base_url:
        provider.encrypted_key = None
        _move(session, provider, base_url)
    if key:
        provider.encrypted_key = encrypt(settings, key)
    return provider


def by_provider(session: Session) -> dict[str, list[Endpoint]]:
    """Every endpoint under its provider's id; a provider without any has an empty list."""
    owned: dict[str, list[Endpoint]] = {provider.id: [] for provider in endpoints.providers(session)}
    for endpoint in endpoints.listed(session):
        owned[endpoint.provider_id].append(endpoint)
    return owned


def from_environment(settings: Settings, provider: Provider) -> bool:
    """Whether the environment says now where this provider listens, and its key."""
    return provider.name == OPENAI and bool(settings.openai_api_key)


def refuse_practice(provider: Provider) -> None:
    """Raises Conflict for what is kept by Agon."""
    if provider.simulated or provider.name == PRACTICE:
        raise Conflict("The practice provider is kept by Agon itself.")


def refuse_kept(settings: Settings, provider: Provider) -> None:
    """Raises Conflict for a provider that a person cannot change, saying who keeps it."""
    refuse_practice(provider)
    if from_environment(settings, provider):
        raise Conflict(KEPT_BY_ENVIRONMENT)


def forget_key(session: Session, settings: Settings, provider_id: str) -> Provider:
    provider = endpoints.get_provider(session, provider_id)
    refuse_kept(settings, provider)
    provider.encrypted_key = None
    return provider


def change_limits(session: Session, provider_id: str, limits: Mapping[str, int | None]) -> Provider:
    """`limits` holds some of MOST's names, None for no limit. Raises Invalid naming the fields."""
    provider = endpoints.get_provider(session, provider_id)
    refuse_practice(provider)
    problems = [
        Problem(f"must be a whole number from 1 to {MOST[name]:,}, or empty for no limit", name)
        for name, limit in limits.items()
        if limit is not None and not 1 <= limit <= MOST[name]
    ]
    if problems:
        raise Invalid(problems)
    for name, limit in limits.items():
        setattr(provider, name, limit)
    return provider


def change_prices(
    session: Session, endpoint_id: str, given: Mapping[str, float | None], starts: date | None = None
) -> Endpoint:
    """Add a price to the endpoint's history; calls that are logged keep what they cost.

    `given` holds some of PRICED in money per million tokens, None when unknown; what is left out stays as it is by
    then. It holds from now on, or from the beginning of a later day. Raises Invalid naming the field.
    """
    endpoint = endpoints.get(session, endpoint_id)
    refuse_practice(endpoint.provider)
    tariffs.change(endpoint, _priced(given, endpoint.role), starts)
    session.flush()
    return endpoint


def _priced(given: Mapping[str, float | None], role: str) -> Mapping[str, float | None]:
    """Embeddings are paid by what goes in, so that an embedder's price is known without one for tokens out."""
    free = role == "embedder" and given.get("price_in") is not None and given.get("price_out") is None
    return {**given, "price_out": 0.0} if free else given


def add_endpoint(
    session: Session,
    provider_id: str,
    name: str,
    given: Mapping[str, float | None] | None = None,
    role: str | None = None,
) -> Endpoint:
    """`given` holds some of PRICED in money per million tokens; without any, the price list is asked.

    Without a role, its name is asked for one.
    """
    provider = endpoints.get_provider(session, provider_id)
    name = clean(name)[0].strip()
    if not name or len(name) > 200:
        raise Invalid([Problem("the model's name as the provider writes it", "model")])
    if endpoints.named(session, f"{provider.name}/{name}") is not None:
        raise Conflict(f"{provider.name}/{name} is there already.")
    role = suggested(name) if role is None else checked(role)
    price = tariffs.first(provider.base_url, name, _priced(given or {}, role))
    endpoint = Endpoint(provider=provider, name=name, role=role, prices=[price] if price else [])
    session.add(endpoint)
    session.flush()
    return endpoint


def named_or_added(session: Session, full_name: str, part: Part) -> Endpoint:
    """The endpoint PROVIDER/NAME, to play this part; a new model of a provider that is known is added.

    Raises Invalid when it cannot play it, NotFound when it is not there.
    """
    endpoint = endpoints.named(session, full_name) or _added(session, full_name)
    if why := why_not(endpoint.full_name, endpoint.role, part):
        raise Invalid(why)
    return endpoint


def _added(session: Session, full_name: str) -> Endpoint:
    provider_name, _, name = full_name.partition("/")
    provider = endpoints.provider_named(session, provider_name)
    if provider is None:
        known = ", ".join(provider.name for provider in endpoints.providers(session)) or "none"
        raise NotFound(
            f"There is no provider named {provider_name} (known: {known}). Add it on the Endpoints page, or set "
            "OPENAI_API_KEY and OPENAI_BASE_URL for one named openai."
        )
    if provider.simulated:
        models = ", ".join(e.full_name for e in endpoints.listed(session) if e.provider_id == provider.id)
        raise NotFound(f"There is no practice model {full_name}. There are: {models}.")
    return add_endpoint(session, provider.id, name)


def default_generators(session: Session) -> list[Endpoint]:
    """Every practice generator, in the order of their names."""
    return [endpoint for endpoint in endpoints.listed(session) if endpoint.role == "generator" and endpoint.simulated]
