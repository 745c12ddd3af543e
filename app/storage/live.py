"""What the pages of a campaign read while it runs and after: few queries, bounded rows, no scan of outputs."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import Session, defer

from app.errors import NotFound
from app.storage.campaigns import Campaign, CampaignEvent, HoldoutOpening
from app.storage.comparisons import read_of
from app.storage.evaluations import Evaluation
from app.storage.prompts import PromptVersion
from app.storage.rounds import AskRecord, Battle, Candidate, PoolEntry, Round
from app.storage.test_sets import Placement

DEPARTED_SHOWN = 30
TRIES_SHOWN = 300
PACE_ROUNDS = 5

Pairing = tuple[int, int, int, int]  # label, left reading, right reading, how many examples


@dataclass(frozen=True)
class Proposal:
    """A candidate with the number and the length of its version; both None for a refused one."""

    candidate: Candidate
    number: int | None
    characters: int | None


@dataclass(frozen=True)
class Turn:
    """A round with what was proposed in it, by seat, and its battle once it is settled."""

    round: Round
    battle: Battle | None
    proposals: dict[str, Proposal]


@dataclass(frozen=True)
class Pooled:
    """One stay in the pool; `endpoint_id` is who proposed the version, None for the start prompt."""

    entry: PoolEntry
    number: int
    endpoint_id: str | None


@dataclass(frozen=True)
class Pace:
    """Seconds and calls of the latest settled rounds together, and how many rounds those are."""

    rounds: int
    seconds: float
    calls: int


def campaign(session: Session, campaign_id: str) -> Campaign:
    """The campaign without its snapshot, which holds whole prompts. Raises NotFound."""
    query = select(Campaign).where(Campaign.id == campaign_id).options(defer(Campaign.state))
    found = session.scalars(query).first()
    if found is None:
        raise NotFound("There is no such campaign.")
    return found


def asked(session: Session, campaign_id: str) -> list[str]:
    """What people asked for that the driver has not done yet, in order."""
    query = select(CampaignEvent.kind).where(CampaignEvent.campaign_id == campaign_id, ~CampaignEvent.handled)
    return list(session.scalars(query.order_by(CampaignEvent.id)))


def opening_number(session: Session, campaign_id: str) -> int | None:
    """Which look at its holdout this campaign took; None while that is shut."""
    return session.scalar(select(HoldoutOpening.number).where(HoldoutOpening.campaign_id == campaign_id))


def version_numbers(session: Session, version_ids: Iterable[str | None]) -> dict[str, int]:
    wanted = {version_id for version_id in version_ids if version_id}
    query = select(PromptVersion.id, PromptVersion.number).where(PromptVersion.id.in_(wanted))
    return {row.id: row.number for row in session.execute(query)}


def turns(session: Session, campaign_id: str, before: int | None, limit: int) -> list[Turn]:
    """Rounds that somebody proposed in, newest first, older than `before`; the opening (round 0) is none."""
    query = _rounds(campaign_id).where(Round.number > 0)
    if before is not None:
        query = query.where(Round.number < before)
    return _with_battles(session, campaign_id, session.scalars(query.limit(limit)).all())


def turn(session: Session, campaign_id: str, number: int) -> Turn:
    """One round. Raises NotFound."""
    found = session.scalars(_rounds(campaign_id).where(Round.number == number)).all()
    if not found:
        raise NotFound("There is no such round.")
    return _with_battles(session, campaign_id, found)[0]


def latest_turns(session: Session, campaign_id: str) -> tuple[Turn | None, Turn | None]:
    """The round under way and the last one that was settled."""
    latest = turns(session, campaign_id, None, 2)
    under_way = next((found for found in latest if not found.round.settled), None)
    return under_way, next((found for found in latest if found.round.settled), None)


def _rounds(campaign_id: str) -> Select[Round]:
    query = select(Round).where(Round.campaign_id == campaign_id).options(defer(Round.state))
    return query.order_by(Round.number.desc())


def _with_battles(session: Session, campaign_id: str, found: Sequence[Round]) -> list[Turn]:
    numbers = [row.number for row in found]
    fought = select(Battle).where(Battle.campaign_id == campaign_id, Battle.round.in_(numbers))
    battles = {battle.round: battle for battle in session.scalars(fought)}
    proposed = (
        select(Candidate, PromptVersion.number, func.length(PromptVersion.text))
        .outerjoin(PromptVersion, PromptVersion.id == Candidate.prompt_version_id)
        .where(Candidate.campaign_id == campaign_id, Candidate.round.in_(numbers))
    )
    seated: dict[int, dict[str, Proposal]] = {number: {} for number in numbers}
    for candidate, number, characters in session.execute(proposed):
        seated[candidate.round][candidate.seat] = Proposal(candidate, number, characters)
    return [Turn(row, battles.get(row.number), seated[row.number]) for row in found]


def proposals_asked(session: Session, campaign_id: str, number: int) -> int:
    """How many proposals were asked for in a round."""
    query = select(func.count()).where(
        AskRecord.campaign_id == campaign_id, AskRecord.round == number, AskRecord.seat.in_(("left", "right"))
    )
    return session.scalar(query) or 0


def evaluations(
    session: Session, campaign: Campaign, version_ids: Collection[str], settings_hash: str
) -> dict[str, Evaluation]:
    """The dev summaries of these versions on the campaign's task model, by version; those of another goal are none."""
    query = select(Evaluation).where(
        Evaluation.prompt_version_id.in_(version_ids),
        Evaluation.endpoint_id == campaign.task_endpoint_id,
        Evaluation.version_id == campaign.version_id,
        Evaluation.split == "dev",
        Evaluation.settings_hash == settings_hash,
        Evaluation.goal == campaign.rules["goal"],
    )
    return {found.prompt_version_id: found for found in session.scalars(query)}


def pairings(session: Session, version_id: str, left_id: str, right_id: str, n: int) -> tuple[Pairing, ...]:
    """How two evaluations read the first n dev examples, counted in the database.

    Each output is looked up by its whole key: a join leaves PostgreSQL, which knows nothing of an evaluation that has
    just begun, to read all outputs of one for every example of the other.
    """
    first = (
        select(Placement.label, read_of(left_id).label("left"), read_of(right_id).label("right"))
        .where(Placement.version_id == version_id, Placement.split == "dev")
        .order_by(Placement.position)
        .limit(n)
        .subquery()
    )
    key = first.c.label, first.c.left, first.c.right
    query = select(*key, func.count()).where(first.c.left.is_not(None), first.c.right.is_not(None))
    query = query.group_by(*key).order_by(*key)
    return tuple((label, a, b, count) for label, a, b, count in session.execute(query))


def pool(session: Session, campaign_id: str) -> list[Pooled]:
    """Who is in the pool, best first, then the latest of those who left."""
    query = (
        select(PoolEntry, PromptVersion.number, Candidate.endpoint_id)
        .join(PromptVersion, PromptVersion.id == PoolEntry.prompt_version_id)
        .outerjoin(
            Candidate,
            (Candidate.campaign_id == PoolEntry.campaign_id)
            & (Candidate.round == PoolEntry.entered_round)
            & (Candidate.prompt_version_id == PoolEntry.prompt_version_id),
        )
        .where(PoolEntry.campaign_id == campaign_id)
    )
    here = query.where(PoolEntry.left_round.is_(None)).order_by(PoolEntry.value.desc(), PromptVersion.number)
    left = query.where(PoolEntry.left_round.is_not(None)).order_by(PoolEntry.left_round.desc(), PromptVersion.number)
    found = [*session.execute(here), *session.execute(left.limit(DEPARTED_SHOWN))]
    return [Pooled(entry, number, endpoint_id) for entry, number, endpoint_id in found]


def title_changes(session: Session, campaign_id: str) -> list[tuple[int, Proposal]]:
    """(calls spent, candidate) for every change of the champion, in order: of two that entered, the one that led."""
    query = (
        select(Round.number, Round.calls_after, Candidate, PromptVersion.number)
        .join(Candidate, (Candidate.campaign_id == Round.campaign_id) & (Candidate.round == Round.number))
        .join(PromptVersion, PromptVersion.id == Candidate.prompt_version_id)
        .where(Round.campaign_id == campaign_id, Round.settled, Round.champion_changed, Candidate.entered)
        .order_by(Round.number, Candidate.value.desc(), Candidate.seat)
    )
    first: dict[int, tuple[int, Proposal]] = {}
    for number, calls, candidate, version in session.execute(query):
        first.setdefault(number, (calls, Proposal(candidate, version, None)))
    return list(first.values())


def tries(session: Session, campaign_id: str) -> Sequence[Row[int, int, float | None, int, bool]]:
    """(round, calls spent, value, n, entered) of the latest candidates that were scored, newest first."""
    query = (
        select(Round.number, Round.calls_after, Candidate.value, Candidate.n, Candidate.entered)
        .join(Candidate, (Candidate.campaign_id == Round.campaign_id) & (Candidate.round == Round.number))
        .where(Round.campaign_id == campaign_id, Round.settled, Candidate.value.is_not(None))
        .order_by(Round.number.desc(), Candidate.seat)
        .limit(TRIES_SHOWN)
    )
    return session.execute(query).all()


def pace(session: Session, campaign_id: str) -> Pace:
    query = (
        select(Round.started_at, Round.settled_at, Round.calls_after - Round.calls_before)
        .where(Round.campaign_id == campaign_id, Round.settled, Round.number > 0)
        .order_by(Round.number.desc())
        .limit(PACE_ROUNDS)
    )
    found = session.execute(query).all()
    seconds = sum((_after(row[1], row[0])) for row in found)
    return Pace(len(found), seconds, sum(row[2] for row in found))


def _after(later: datetime | None, earlier: datetime) -> float:
    return (later - earlier).total_seconds() if later else 0.0


def calls_after_opening(session: Session, campaign_id: str) -> int | None:
    """Calls spent when the start prompt had its score; None until then."""
    return session.scalar(select(Round.calls_after).where(Round.campaign_id == campaign_id, Round.number == 0))
