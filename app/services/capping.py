"""Caps on calls, tokens and money: set by people, told in words, and who is refused because of one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.domain.budgets import NOTHING, UNITS, Amount, part_said, said
from app.errors import Invalid, NotFound, Problem
from app.storage import ledger, projects
from app.storage.base import now
from app.storage.endpoints import Endpoint
from app.storage.ledger import EVERY_DAY, INSTANCE, KINDS, Account

WARNING = 0.8  # the share of a cap from which on it is warned of
MOST = {"calls": 10**12, "tokens": 10**15, "cost": 10**9 * 1_000_000}


@dataclass(frozen=True)
class Caps:
    """The most that may be used, None for no cap; cost in micro-units of money."""

    calls: int | None = None
    tokens: int | None = None
    cost: int | None = None


@dataclass(frozen=True)
class CapUse:
    """How far one cap is used. `name` says whose it is, `kind` is calls, tokens or cost (micro-units)."""

    account: str
    name: str
    kind: str
    used: int
    reserved: int
    cap: int

    @property
    def left(self) -> int:
        return max(0, self.cap - self.used - self.reserved)

    @property
    def share(self) -> float:
        return min(1.0, self.used / self.cap) if self.cap else 1.0

    @property
    def near(self) -> bool:
        return self.share >= WARNING

    @property
    def sentence(self) -> str:
        used = part_said(self.kind, self.used, self.cap)
        return f"{used} are used of the cap on {UNITS[self.kind]} of {self.name}."


def check(caps: Caps) -> list[Problem]:
    """What is wrong, by the field it is wrong with."""
    wanted = {"calls": "a whole number", "tokens": "a whole number", "cost": "an amount of money"}
    return [
        Problem(f"must be {wanted[kind]}, 0 or more, or empty for no cap", kind)
        for kind in KINDS
        if (cap := getattr(caps, kind)) is not None and not 0 <= cap <= MOST[kind]
    ]


def set_shared(session: Session, account_id: str, caps: Caps) -> Account:
    """Set the caps of the instance, of every day, or of a project. Raises Invalid naming the field, NotFound."""
    if problems := check(caps):
        raise Invalid(problems)
    kind, _, subject = account_id.partition(":")
    if kind == "project" and subject:
        projects.get(session, subject)
    elif account_id not in (INSTANCE, EVERY_DAY):
        raise NotFound("There is no such account: caps are set for the instance, every day, or a project.")
    return ledger.set_caps(session, account_id, vars(caps))


def name_of(session: Session, account_id: str) -> str:
    """Whose account it is, as a part of a sentence."""
    kind, _, subject = account_id.partition(":")
    if kind == "project":
        return f"project {projects.get(session, subject).name}"
    if kind == "day":
        return "today" if subject == now().date().isoformat() else subject or "every day"
    named = {"campaign": "this campaign", "run": "this run", "opening": "this opening", INSTANCE: "the instance"}
    return named[kind]


def uses(session: Session, account_ids: Sequence[str]) -> list[CapUse]:
    """Every cap of these accounts, in their order; a day that has not begun has used nothing of its cap."""
    wanted = [*account_ids, EVERY_DAY]
    known = ledger.found(session, wanted)
    every, found = known.get(EVERY_DAY), []
    for account_id in account_ids:
        account = known.get(account_id) or (_fresh(account_id, every) if account_id.startswith("day:") else None)
        found += _uses(session, account) if account else []
    return found


def _fresh(day: str, every: Account | None) -> Account | None:
    if every is None:
        return None
    counts = {f"{name}_{kind}": 0 for name in ("spent", "forfeited", "reserved") for kind in KINDS}
    return Account(id=day, **counts, **{f"cap_{kind}": getattr(every, f"cap_{kind}") for kind in KINDS})


def _uses(session: Session, account: Account) -> list[CapUse]:
    capped = [kind for kind in KINDS if getattr(account, f"cap_{kind}") is not None]
    name = name_of(session, account.id) if capped else ""
    return [
        CapUse(
            account=account.id,
            name=name,
            kind=kind,
            used=account.used(kind),
            reserved=getattr(account, f"reserved_{kind}"),
            cap=getattr(account, f"cap_{kind}"),
        )
        for kind in capped
    ]


def blocking(
    session: Session, account_ids: Sequence[str], unit: Amount, keep: Mapping[str, Amount] | None = None
) -> list[CapUse]:
    """The caps under which one more such unit does not fit, whatever others hold reserved and may give back."""
    kept = keep or {}
    return [
        use
        for use in uses(session, account_ids)
        if getattr(unit, use.kind) > 0
        and use.used + getattr(kept.get(use.account, NOTHING), use.kind) + getattr(unit, use.kind) > use.cap
    ]


def refusal(found: Sequence[CapUse], unit: Amount) -> str:
    """Which caps stopped a purchase, and what would let it go on."""
    return " ".join(
        [*(_stopped_by(use, unit) for use in found), "What was bought is kept. Raise the cap, then resume."]
    )


def _stopped_by(use: CapUse, unit: Amount) -> str:
    needs = "" if use.kind == "calls" else f", and one more request may take {said(use.kind, getattr(unit, use.kind))}"
    used = part_said(use.kind, use.used, use.cap)
    return f"The cap on {UNITS[use.kind]} of {use.name} is reached: {used} are used{needs}."


def unpriced(
    session: Session, project_id: str, seats: Mapping[str, Sequence[Endpoint]], own_cost: int | None
) -> list[Problem]:
    """Endpoints without a known price under a cap on money; `seats` holds them by the field they were chosen in."""
    capped = own_cost is not None or any(use.kind == "cost" for use in uses(session, shared(project_id)))
    if not capped:
        return []
    told = "has no known price, so a cap on money would not hold: set its price on its page, or cap calls instead"
    return [
        Problem(f"{one.full_name} {told}", field)
        for field, chosen in seats.items()
        for one in chosen
        if one.price_in is None or one.price_out is None
    ]


def at_most(cost: int | None, caps: Caps, found: Sequence[CapUse]) -> int | None:
    """A price that no cap on money lets grow; None stays unknown."""
    limits = [use.left for use in found if use.kind == "cost"] + ([] if caps.cost is None else [caps.cost])
    return None if cost is None else min([cost, *limits])


def shared(project_id: str) -> list[str]:
    """The accounts besides its own that a project's purchases count in."""
    return ledger.general_accounts(project_id)


def fullest(account: Account) -> str:
    """The unit of the cap that is used most: calls, tokens or money."""
    shares = {
        kind: account.used(kind) / max(1, cap) for kind in KINDS if (cap := getattr(account, f"cap_{kind}")) is not None
    }
    return UNITS[max(shares, key=lambda kind: shares[kind])] if shares else UNITS["calls"]
