"""Follows a campaign in the terminal: a progress bar, the running best score, and what each round brought."""

import time
from collections.abc import Callable

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from sqlalchemy.orm import Session

from app.domain.improving.state import load
from app.errors import AgonError
from app.storage import campaigns, endpoints, rounds
from app.storage.campaigns import Campaign
from app.storage.session import Database

POLL_SECONDS = 0.25
WITHOUT_WORKER = 60.0


def watch(
    database: Database, campaign_id: str, console: Console, poke: Callable[[], None], worked_on: Callable[[], bool]
) -> Campaign:
    """Show the campaign until it is finished or paused; the campaign as it then stands.

    Raises AgonError when no worker has answered for a minute: one that another command had started may have ended.
    """
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[best]}", markup=False),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("starting", total=1.0, best="")
        told, poked, noted, worked = 0, time.monotonic(), "", time.monotonic()
        while True:
            with database.read() as session:
                campaign = campaigns.get(session, campaign_id)
                told = _tell_rounds(session, campaign, told, console)
            progress.update(task, completed=_done(campaign), description=_stage(campaign), best=_best(campaign))
            if campaign.status in ("finished", "paused"):
                return campaign
            if campaign.note != noted:
                noted = campaign.note
                console.print(noted and f"waiting: {noted}", style="yellow")
            if time.monotonic() - poked > 5:
                if campaign.status == "queued":
                    poke()
                poked = time.monotonic()
                worked = poked if worked_on() else worked
                if poked - worked > WITHOUT_WORKER:
                    raise AgonError("No worker answers any more. The same command starts one and goes on from here.")
            time.sleep(POLL_SECONDS)


def _done(campaign: Campaign) -> float:
    """The share of the campaign that is behind it: of its calls, or of its rounds if that is more."""
    shares = [campaign.calls_spent / campaign.max_calls]
    if campaign.max_rounds:
        shares.append(campaign.settled_rounds / campaign.max_rounds)
    return 1.0 if campaign.status == "finished" else min(1.0, max(shares))


def _stage(campaign: Campaign) -> str:
    if campaign.note:
        return f"waiting: {campaign.note}"
    if campaign.stopped_because:
        return "confirming on the holdout"
    if campaign.state is None:
        return f"scoring the start prompt, {campaign.calls_spent} calls"
    return f"round {campaign.settled_rounds + 1}, {campaign.calls_spent} calls"


def _best(campaign: Campaign) -> str:
    if campaign.state is None:
        return ""
    state = load(campaign.state)
    best = state.champion
    return f"best on dev {best.value:.3f} ({best.low:.3f}–{best.high:.3f}, n {best.n}); start {state.start.value:.3f}"


def _tell_rounds(session: Session, campaign: Campaign, told: int, console: Console) -> int:
    """Print the rounds settled since the last look; names are known once a round is settled."""
    if campaign.settled_rounds == told:
        return told
    names = {endpoint.id: endpoint.full_name for endpoint in endpoints.listed(session)}
    for turn, battle in rounds.settled(session, campaign.id):
        if turn.number > told:
            left, right = names[battle.left_endpoint_id], names[battle.right_endpoint_id]
            scores = f"{_score(battle.left_value)} : {_score(battle.right_value)}"
            leads = "; a new prompt leads on dev" if turn.champion_changed else ""
            how = " by walkover" if battle.walkover else ""
            console.print(f"round {turn.number:>2}  {left} {scores} {right}  {battle.outcome}{how}{leads}")
    return campaign.settled_rounds


def _score(value: float | None) -> str:
    return "refused" if value is None else f"{value:.3f}"
