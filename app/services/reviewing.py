"""One round to the letter: what each seat was asked, what came back, what became of it."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.services.veiling import Corner, RoundView
from app.services.watching import round_view
from app.storage import endpoints, live, projects, prompts
from app.storage.answers import StoredAnswer
from app.storage.call_log import Said
from app.storage.rounds import AskRecord, unpack_messages


@dataclass(frozen=True)
class SeatReview:
    """What one seat was asked and wrote. `reply` is None until it comes, `proposal` unless it was accepted."""

    corner: Corner
    request: list[Said]
    reply: str | None
    finish_reason: str
    tokens_in: int | None
    tokens_out: int | None
    refused_by_cap: bool
    proposal: str | None


@dataclass(frozen=True)
class RoundReview:
    """A round with its campaign's settings; `leader` is the prompt that led when it began."""

    campaign_id: str
    campaign: int
    status: str
    project_id: str
    project: str
    task_model: str
    simulated: bool
    goal: str
    smallest_gain: float
    dev_size: int
    inputs: dict[str, Any]
    round: RoundView
    leader_version_id: str | None
    leader_version: int | None
    leader: str
    seats: list[SeatReview]
    last_round: int


# What a round froze, without the ids of who sits where.
_OPEN_INPUTS = ("seed", "engine")


def review(session: Session, campaign_id: str, number: int) -> RoundReview:
    """Raises NotFound. Names stay hidden until the round is settled, whatever else is shown of it."""
    campaign = live.campaign(session, campaign_id)
    turn = live.turn(session, campaign_id, number)
    names = {endpoint.id: endpoint for endpoint in endpoints.listed(session)}
    view = round_view(session, campaign, turn, names)
    leader = prompts.get(session, view.champion_version_id) if view.champion_version_id else None
    project, task = projects.get(session, campaign.project_id), names[campaign.task_endpoint_id]
    latest = live.turns(session, campaign_id, None, 1)
    return RoundReview(
        campaign_id=campaign.id,
        campaign=campaign.number,
        status=campaign.status,
        project_id=project.id,
        project=project.name,
        task_model=task.full_name,
        simulated=task.simulated,
        goal=campaign.rules["goal"],
        smallest_gain=campaign.rules["smallest_gain"],
        dev_size=campaign.rules["dev_size"],
        inputs={name: turn.round.inputs[name] for name in _OPEN_INPUTS if name in turn.round.inputs},
        round=view,
        leader_version_id=leader.id if leader else None,
        leader_version=leader.number if leader else None,
        leader=leader.text if leader else "",
        seats=[_seat(session, campaign_id, number, corner) for corner in (view.left, view.right)] if number else [],
        last_round=latest[0].round.number if latest else 0,
    )


def _seat(session: Session, campaign_id: str, number: int, corner: Corner) -> SeatReview:
    query = (
        select(AskRecord, StoredAnswer)
        .outerjoin(StoredAnswer, StoredAnswer.id == AskRecord.answer_id)
        .where(AskRecord.campaign_id == campaign_id, AskRecord.round == number, AskRecord.seat == corner.seat)
    )
    row = session.execute(query).first()
    ask, answer = (row[0], row[1]) if row else (None, None)
    return SeatReview(
        corner=corner,
        request=[Said(role, content) for role, content in unpack_messages(ask.request)] if ask else [],
        reply=answer.text if answer else None,
        finish_reason=answer.finish_reason if answer else "",
        tokens_in=answer.tokens_in if answer else None,
        tokens_out=answer.tokens_out if answer else None,
        refused_by_cap=ask.exhausted if ask else False,
        proposal=prompts.get(session, corner.version_id).text if corner.version_id else None,
    )
