"""Openings of sealed holdouts: how often the same examples were looked at, and the one way to look at them again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from sqlalchemy import ColumnElement, and_, select, union
from sqlalchemy.orm import Session, defer

from app.errors import Conflict, NotFound
from app.storage.base import OWNER, new_id
from app.storage.campaigns import Campaign, HoldoutOpening
from app.storage.test_sets import Example, Placement, TestSetVersion


@dataclass(frozen=True)
class Look:
    """An opening in a list; `campaign` is the number of the campaign whose end it was."""

    id: str
    number: int
    opened_at: datetime
    reason: str
    campaign_id: str | None
    campaign: int | None

    @property
    def sentence(self) -> str:
        """When and why, without the full stop."""
        return f"look {self.number} on {self.opened_at:%d %b %Y}, {self.reason}"


class HoldoutSpent(Conflict):
    """These sealed examples were looked at as often as may be."""

    def __init__(self, looks: Sequence[Look]) -> None:
        self.looks = tuple(looks)
        said = "; ".join(one.sentence for one in looks)
        times = {1: "once", 2: "twice"}.get(len(looks), f"{len(looks)} times")
        self.why = (
            f"These examples were opened {times} already ({said}). Further looks would prove nothing. "
            "Import the file with another split seed, or add rows of which some become a new holdout."
        )
        super().__init__(f"Holdout spent. {self.why}")


def get(session: Session, opening_id: str) -> HoldoutOpening:
    opening = session.get(HoldoutOpening, opening_id)
    if opening is None:
        raise NotFound("There is no such opening of a holdout.")
    return opening


def beginning_with(session: Session, prefix: str, limit: int) -> list[str]:
    """Ids of campaigns and openings that begin so."""
    found: list[str] = []
    for table in (Campaign, HoldoutOpening):
        query = select(table.id).where(table.id.startswith(prefix, autoescape=True)).order_by(table.id)
        found += session.scalars(query.limit(limit))
    return found


def of_campaign(session: Session, campaign_id: str) -> HoldoutOpening | None:
    return session.scalar(select(HoldoutOpening).where(HoldoutOpening.campaign_id == campaign_id))


def looks(session: Session, version: TestSetVersion) -> list[Look]:
    """Every opening of the examples that this version seals, oldest first, whichever version they were opened in."""
    return _looks(session, _same_examples(version))


def is_spent(session: Session, version: TestSetVersion, campaign_id: str = "") -> bool:
    """Whether nobody may open what this version seals any more; the campaign that took a look still has it."""
    from app.domain.confirming import LOOKS

    known = looks(session, version)
    return len(known) >= LOOKS and all(one.campaign_id != campaign_id for one in known)


def _same_examples(version: TestSetVersion) -> ColumnElement[bool]:
    """Those of a version from before hashes were kept are known by the version until it is opened again."""
    if version.holdout_hash:
        return HoldoutOpening.holdout_hash == version.holdout_hash
    return HoldoutOpening.version_id == version.id


def _looks(session: Session, which: ColumnElement[bool]) -> list[Look]:
    columns = (
        HoldoutOpening.id, HoldoutOpening.number, HoldoutOpening.opened_at, HoldoutOpening.reason,
        HoldoutOpening.campaign_id, Campaign.number,
    )  # fmt: skip
    query = select(*columns).outerjoin(Campaign, Campaign.id == HoldoutOpening.campaign_id).where(which)
    return [Look(*row) for row in session.execute(query.order_by(HoldoutOpening.opened_at, HoldoutOpening.id))]


def repeated(session: Session, looks: Sequence[Look], pair: Sequence[str], endpoint_id: str) -> Look | None:
    """Which of these looks compared these two prompt versions on this endpoint; the newest, if any."""
    if not looks:
        return None
    by_person = select(HoldoutOpening.id).where(*_of_pair(pair, endpoint_id))
    by_campaign = (
        select(HoldoutOpening.id)
        .join(Campaign, Campaign.id == HoldoutOpening.campaign_id)
        .where(
            Campaign.start_version_id.in_(pair),
            Campaign.best_version_id.in_(pair),
            Campaign.start_version_id != Campaign.best_version_id,
            Campaign.task_endpoint_id == endpoint_id,
        )
    )
    ids = [one.id for one in looks]
    same = set(session.scalars(union(*(query.where(HoldoutOpening.id.in_(ids)) for query in (by_person, by_campaign)))))
    return next((one for one in reversed(looks) if one.id in same), None)


def unfinished(session: Session, version: TestSetVersion, pair: Sequence[str], endpoint_id: str) -> Look | None:
    """A person's look at the same examples, with the same two prompts on the same endpoint, that has no report yet."""
    which = [_same_examples(version), *_of_pair(pair, endpoint_id), HoldoutOpening.finished_at.is_(None)]
    return next(iter(_looks(session, and_(*which))), None)


def _of_pair(pair: Sequence[str], endpoint_id: str) -> tuple[ColumnElement[bool], ...]:
    prompt, against = HoldoutOpening.prompt_version_id, HoldoutOpening.against_version_id
    return prompt.in_(pair), against.in_(pair), HoldoutOpening.endpoint_id == endpoint_id


def of_project(session: Session, version_ids: Sequence[str]) -> list[Look]:
    """What people opened of these test set versions, newest first; what campaigns opened is told by their results."""
    which = HoldoutOpening.version_id.in_(version_ids) & HoldoutOpening.campaign_id.is_(None)
    return _looks(session, which)[::-1]


def open_for_campaign(session: Session, campaign: Campaign, reason: str) -> HoldoutOpening:
    """Record the opening of this campaign's holdout; asking again gives the same opening. Raises HoldoutSpent."""
    known = of_campaign(session, campaign.id)
    if known is not None:
        return known
    opening = HoldoutOpening(version_id=campaign.version_id, campaign_id=campaign.id, reason=reason)
    return _open(session, opening)


def open_for_person(
    session: Session,
    version_id: str,
    prompt_version_id: str,
    against_version_id: str,
    endpoint_id: str,
    reason: str,
    opened_by: str = OWNER,
    opening_id: str | None = None,
) -> HoldoutOpening:
    """Record a person's opening of a holdout to compare two prompts on one task model. Raises HoldoutSpent."""
    opening = HoldoutOpening(
        id=opening_id or new_id(),
        version_id=version_id,
        prompt_version_id=prompt_version_id,
        against_version_id=against_version_id,
        endpoint_id=endpoint_id,
        reason=reason,
        opened_by=opened_by,
    )
    return _open(session, opening)


def _open(session: Session, opening: HoldoutOpening) -> HoldoutOpening:
    """Give the opening its number among all of the same examples, while nobody else may open those."""
    version = session.get_one(TestSetVersion, opening.version_id)
    sealed = version.holdout_hash or hash_of(session, version.id)
    if not sealed:
        raise Conflict("This test set has no holdout, so there is nothing to open.")
    _complete(session, _held(session, sealed))
    known = _looks(session, HoldoutOpening.holdout_hash == sealed)
    from app.domain.confirming import LOOKS

    if len(known) >= LOOKS:
        raise HoldoutSpent(known)
    opening.holdout_hash, opening.number = sealed, len(known) + 1
    session.add(opening)
    session.flush()
    return opening


def _held(session: Session, sealed: str) -> list[TestSetVersion]:
    """Every version that has these examples sealed, or may have; others who would open them wait until we end.

    All openings hold such versions in one order, so that none waits for another that waits for it. A version that comes
    meanwhile changes nothing: whoever opens it wants the older ones as well.
    """
    query = select(TestSetVersion).where(TestSetVersion.holdout_hash.in_((sealed, ""))).order_by(TestSetVersion.id)
    held = query.options(defer(TestSetVersion.forbidden)).with_for_update(key_share=True)
    return list(session.scalars(held.execution_options(populate_existing=True)))


def _complete(session: Session, held: Sequence[TestSetVersion]) -> None:
    """Store the hashes that versions and openings from before hashes were kept lack."""
    for version in held:
        version.holdout_hash = version.holdout_hash or hash_of(session, version.id)
    session.flush()
    sealed = {version.id: version.holdout_hash for version in held}
    for row in session.scalars(select(HoldoutOpening).where(HoldoutOpening.holdout_hash == "")).all():
        row.holdout_hash = sealed.get(row.version_id, "")
    session.flush()


def hash_of(session: Session, version_id: str) -> str:
    """The identity of a version's holdout: a hash over the sorted keys of its examples; empty where there is none."""
    query = (
        select(Example.key)
        .join(Placement, Placement.example_id == Example.id)
        .where(Placement.version_id == version_id, Placement.split == "holdout")
    )
    keys = sorted(session.scalars(query))
    return sha256("\n".join(keys).encode()).hexdigest() if keys else ""
