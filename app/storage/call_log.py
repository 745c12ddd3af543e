"""The log of calls as anybody may read it: nothing of the holdout, no name that a battle still hides."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, TextClause, and_, func, or_, select, text
from sqlalchemy.orm import Session, defer

from app.domain import formats
from app.domain.prompts import render
from app.domain.wording import placed_after
from app.errors import Invalid, NotFound
from app.storage.answers import Call, unpack_body
from app.storage.campaigns import Campaign
from app.storage.endpoints import Endpoint
from app.storage.projects import Project
from app.storage.prompts import Prompt, PromptVersion
from app.storage.rounds import Round
from app.storage.test_sets import Example, Placement, TestSetVersion

PURPOSES = ("task", "generator", "judge", "test")
CAMPAIGNS_OFFERED = 100
SEALED = "This call was made for the sealed holdout. Nobody is shown what stands in it."
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class CallFilter:
    """Which calls are wanted; empty is any."""

    campaign_id: str = ""
    endpoint_id: str = ""
    purpose: str = ""
    failed: bool = False
    run_id: str = ""


@dataclass(frozen=True)
class LoggedCall:
    """One purchase. While `hidden`, what would tell who wrote is None: endpoint, model, cost and error.

    `tokens_cached` of `tokens_in` came from the provider's cache, None where it does not say. `cost` is in millionths
    of money, None also when a price is unknown; `latency_ms` is the last attempt's.
    """

    id: str
    created_at: datetime
    hidden: bool
    endpoint: str | None
    simulated: bool
    purpose: str
    project: str | None
    campaign_id: str | None
    campaign: int | None
    run_id: str | None
    round: int | None
    ok: bool
    attempts: int
    latency_ms: int
    tokens_in: int | None
    tokens_out: int | None
    tokens_cached: int | None
    cost: int | None
    finish_reason: str
    model: str | None
    error: str | None


@dataclass(frozen=True)
class Said:
    role: str
    content: str


@dataclass(frozen=True)
class CallDetail:
    """A call with what was asked and what came back; the reply is None once its time in the log is over."""

    call: LoggedCall
    request: list[Said]
    reply: str | None
    request_id: str | None
    fingerprint: str | None
    prompt_version_id: str | None
    prompt_version: int | None
    split: str | None


# The name of who wrote a proposal is not known before the round's battle is settled.
_HIDDEN = and_(Call.purpose == "generator", Call.campaign_id.is_not(None), ~func.coalesce(Round.settled, False))


def _calls() -> Select[Call, bool, Endpoint, int, str]:
    return (
        select(Call, _HIDDEN, Endpoint, Campaign.number, Project.name)
        .join(Endpoint, Endpoint.id == Call.endpoint_id)
        .outerjoin(Campaign, Campaign.id == Call.campaign_id)
        .outerjoin(Project, Project.id == Campaign.project_id)
        .outerjoin(Round, (Round.campaign_id == Call.campaign_id) & (Round.number == Call.round))
        .where(~Call.holdout)
    )


def page(session: Session, wanted: CallFilter, before: str, limit: int) -> tuple[list[LoggedCall], str]:
    """Calls, newest first, and the place to go on from, empty at the end. Raises Invalid for a place that is none."""
    query = _calls().options(defer(Call.body)).where(*_conditions(wanted))
    if before:
        moment, call_id = _place(before)
        query = query.where(Call.created_at <= moment, or_(Call.created_at < moment, Call.id < call_id))
    query = query.order_by(Call.created_at.desc(), Call.id.desc()).limit(limit + 1)
    found = session.execute(query).all()
    last = found[limit - 1][0] if len(found) > limit else None
    return [_logged(*row) for row in found[:limit]], _place_of(last) if last else ""


def _conditions(wanted: CallFilter) -> Sequence[ColumnElement[bool] | TextClause]:
    conditions: list[ColumnElement[bool] | TextClause] = []
    named = {Call.campaign_id: wanted.campaign_id, Call.run_id: wanted.run_id, Call.endpoint_id: wanted.endpoint_id}
    for column, name in named.items():
        if name:  # failures are few and have an index of their own: no other may look better to SQLite
            conditions.append((func.coalesce(column, column) if wanted.failed else column) == name)
    if wanted.endpoint_id:
        conditions.append(~_HIDDEN)
    if wanted.purpose:
        conditions.append(Call.purpose == wanted.purpose)
    if wanted.purpose not in ("", "task"):
        conditions.append(text("call.purpose <> 'task'"))  # lets SQLite use the index of what is no task
    if wanted.failed:
        conditions.append(~Call.ok)
    return conditions


def _place_of(call: Call) -> str:
    return f"{(call.created_at - _EPOCH) // _MICROSECOND}-{call.id}"


def _place(place: str) -> tuple[datetime, str]:
    micros, _, call_id = place.partition("-")
    try:
        return _EPOCH + int(micros) * _MICROSECOND, call_id
    except (ValueError, OverflowError):
        raise Invalid("This address does not name a place in the log of calls.") from None


def _logged(call: Call, hidden: Any, endpoint: Endpoint, campaign: int | None, project: str | None) -> LoggedCall:
    veiled = bool(hidden)
    return LoggedCall(
        id=call.id,
        created_at=call.created_at,
        hidden=veiled,
        endpoint=None if veiled else endpoint.full_name,
        simulated=not veiled and endpoint.simulated,
        purpose=call.purpose,
        project=project,
        campaign_id=call.campaign_id,
        campaign=campaign,
        run_id=call.run_id,
        round=call.round,
        ok=call.ok,
        attempts=call.attempts,
        latency_ms=call.latency_ms,
        tokens_in=call.tokens_in,
        tokens_out=call.tokens_out,
        tokens_cached=call.tokens_cached,
        cost=None if veiled else call.cost,
        finish_reason=call.finish_reason,
        model=None if veiled else call.model,
        error=None if veiled else call.error,
    )


def detail(session: Session, call_id: str) -> CallDetail:
    """One call with its bodies. Raises NotFound, also for what touches a holdout."""
    held = session.scalar(select(Call.holdout).where(Call.id == call_id))
    if held:
        raise NotFound(SEALED)
    row = session.execute(_calls().where(Call.id == call_id)).first()
    if row is None:
        raise NotFound("There is no such call.")
    call, logged = row[0], _logged(*row)
    reply, said = unpack_body(call.body) if call.body else (None, None)
    version = session.get(PromptVersion, call.prompt_version_id) if call.prompt_version_id else None
    split = _open_split(session, call.example_id) if call.example_id is not None else None
    return CallDetail(
        call=logged,
        request=_request(session, call, version, said),
        reply=reply,
        request_id=None if logged.hidden else call.request_id,
        fingerprint=None if logged.hidden else call.fingerprint,
        prompt_version_id=version.id if version else None,
        prompt_version=version.number if version else None,
        split=split,
    )


def _open_split(session: Session, example_id: int) -> str:
    """The split of an example. Raises NotFound when any version of its test set holds it back."""
    query = (
        select(Placement.split)
        .join(TestSetVersion, TestSetVersion.id == Placement.version_id)
        .join(Example, (Example.id == Placement.example_id) & (Example.test_set_id == TestSetVersion.test_set_id))
        .where(Placement.example_id == example_id)
        .order_by(TestSetVersion.created_at.desc())
    )
    splits = list(session.scalars(query))
    if not splits or "holdout" in splits:
        raise NotFound(SEALED)
    return splits[0]


def _request(
    session: Session, call: Call, version: PromptVersion | None, said: Sequence[tuple[str, str]] | None
) -> list[Said]:
    """What was sent: kept beside the call, or made again from the prompt and the example that a task model was asked."""
    if said is not None:
        return [Said(role, content) for role, content in said]
    example = session.get(Example, call.example_id) if call.example_id is not None else None
    if version is None or example is None or call.purpose != "task":
        return []
    project = session.get_one(Project, session.get_one(Prompt, version.prompt_id).project_id)
    after = placed_after(project.answer_space, formats.load(version.format))
    return [Said("user", render(version.text, {**example.variables, "input": example.input}) + after)]


def campaigns(session: Session, also: str) -> list[tuple[str, str]]:
    """(id, name) of the newest campaigns, for a choice; the one that is chosen is among them."""
    query = select(Campaign.id, Campaign.number, Project.name).join(Project, Project.id == Campaign.project_id)
    newest = session.execute(
        query.order_by(Campaign.created_at.desc(), Campaign.id.desc()).limit(CAMPAIGNS_OFFERED)
    ).all()
    found = {row[0]: f"{row[2]} · campaign {row[1]}" for row in newest}
    if also and also not in found:
        found |= {row[0]: f"{row[2]} · campaign {row[1]}" for row in session.execute(query.where(Campaign.id == also))}
    return list(found.items())
