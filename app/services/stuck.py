"""What does not go on by itself: each with a sentence that says why, and one that says what to do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.services.job_kinds import KINDS
from app.storage import heartbeats
from app.storage.operations import Depth, HaltedRun, Named, PausedCampaign, TroubledJob

_SENTENCE = 400  # characters shown of one


@dataclass(frozen=True)
class Stuck:
    """Something that needs a person: `retry` is the address that makes it go on now, empty where that cannot help."""

    about: Named
    reason: str
    advice: str
    since: datetime | None
    attempts: int
    retry: str


def held_up(broker: bool, depths: Sequence[Depth], living: Mapping[str, int]) -> list[Stuck]:
    """What holds up many jobs at once: a queue that cannot be reached, a role that no living worker has."""
    found = []
    if not broker:
        advice = "Start Redis, or correct REDIS_URL. Nothing is lost: jobs go on when it answers."
        found.append(Stuck(Named("The queue", ""), "The broker does not answer.", advice, None, 0, ""))
    for role in heartbeats.ROLES:
        due = sum(depth.due + depth.lost for depth in depths if depth.kind in KINDS and KINDS[depth.kind].role == role)
        if due and not living[role]:
            jobs_due = "1 job is due" if due == 1 else f"{due} jobs are due"
            what = {"drivers": "drives campaigns and imports", "calls": "makes calls"}[role]
            reason = f"{jobs_due}, and no worker that {what} lives."
            advice = "Start one: agon serve and agon worker do. Nothing is lost meanwhile."
            found.append(Stuck(Named("Workers", ""), reason, advice, None, 0, ""))
    return found


def stuck_job(job: TroubledJob, about: Named, broker: bool) -> Stuck:
    reasons = {
        "lost": "Its worker went away, and no other has taken it over.",
        "overdue": "It is due, and no worker has taken it.",
        "put off": f"It failed and will be tried again. {job.last_error}",
    }
    free = (
        "See that a worker is alive and not busy with others, or try again now."
        if broker
        else "It waits for the queue."
    )
    advice = {"put off": "Mend what the sentence names, or try again now."}.get(job.state, free)
    retry = f"/operations/jobs/{job.id}/retry"
    return Stuck(about, reasons[job.state][:_SENTENCE], advice, job.since, job.attempts, retry)


def paused_campaign(campaign: PausedCampaign) -> Stuck:
    reason, advice = f"Paused by a fault. {campaign.note}", "Mend what the sentence names, then let it go on."
    return Stuck(campaign.name, reason[:_SENTENCE], advice, None, 0, f"/operations/campaigns/{campaign.id}/retry")


def halted_run(run: HaltedRun) -> Stuck:
    if run.exhausted:
        reason, advice = run.note, "Its page has a form for its own caps. Retry goes on when there is room again."
    else:
        reason, advice = f"Paused by a fault. {run.note}", "Mend what the sentence names, then let it go on."
    return Stuck(run.name, reason[:_SENTENCE], advice, None, 0, f"/operations/runs/{run.id}/retry")
