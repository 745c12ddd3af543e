"""A run of an evaluation as it stands now: how far it is and how fast, who works on it, what it used, what it found."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app.domain.metrics import Estimate
from app.services import capping, rules
from app.services.capping import WARNING, CapUse
from app.services.holding import WORKING
from app.services.measures import Measures, measures
from app.services.rules import RuleView
from app.storage import campaign_boards, heartbeats, projects, run_boards
from app.storage.base import now
from app.storage.campaign_boards import Model, Models
from app.storage.ledger import KINDS, Account
from app.storage.run_boards import Latest, RunFacts, RunLine, WorkedOn
from app.storage.runs import OPEN, Run

FEWEST = 1.0  # seconds that tell a rate
SHORTEST = 0.05  # seconds in which the newest calls of a very fast run may have come


@dataclass(frozen=True)
class Used:
    """Calls, tokens or money (in millionths, None when a price is unknown) of a run, and the cap if it has one.

    `share` is of the cap; a call that a dead worker may have made is among the used.
    """

    kind: str
    used: int | None
    reserved: int
    cap: int | None
    share: float | None
    warning: bool


@dataclass(frozen=True)
class WorkerShare:
    """One process's part: `answers` in blocks that it took last, at `rate` a second; `blocks_now` are in its hands."""

    worker: str
    answers: int
    blocks: int
    blocks_done: int
    blocks_now: int
    rate: float | None


@dataclass(frozen=True)
class RunView:
    """Everything that the page of a run shows.

    `phase`: queued, answering, finishing (paused, but calls are under way), summing up, or as the status. `rate` is in
    answers a second over the newest calls, half a minute of them at most, `rate_since_start` over all of the time,
    pauses included. `served_by`
    names who answered what does not count (`elsewhere`). `near` are the caps of project, day and instance that are
    nearly used up while it goes on. `score` is on the first `n` examples' first samples.
    """

    id: str
    project_id: str
    project: str
    version_id: str
    version: int
    task_model: Model
    campaign_id: str | None
    campaign: int | None
    round: int | None
    opening_id: str | None
    split: str
    examples: int
    samples: int
    temperature: float
    answer_tokens: int
    count_fallbacks: bool
    status: str
    phase: str
    note: str
    worker_missing: bool
    total: int
    done: int
    reused: int
    elsewhere: int
    served_by: list[Model]
    blocks: int
    blocks_done: int
    rate: float | None
    rate_since_start: float | None
    seconds_left: float | None
    seconds: float | None
    workers: list[WorkerShare]
    used: list[Used]
    near: list[CapUse]
    rule: RuleView
    goal: str | None
    score: Estimate | None
    right: int
    unreadable: int
    measures: Measures | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def over(self) -> bool:
        """Whether nothing of it will change any more."""
        return self.finished_at is not None


@dataclass(frozen=True)
class RunsPage:
    """Runs that people ordered, newest first; `older` is what to ask for as `before` next, None at the end."""

    runs: list[RunLine]
    older: str | None


def run_view(session: Session, run_id: str) -> RunView:
    """Raises NotFound."""
    facts, named = run_boards.facts(session, run_id), campaign_boards.models(session)
    run, evaluation, latest = facts.run, facts.evaluation, run_boards.latest(session, run_id)
    project = projects.get(session, run.project_id)
    held, took = run_boards.working(session, run_id), run_boards.worked_on(session, run_id)
    rate = _rate_now(run, latest)
    sealed = evaluation.split == "holdout"
    return RunView(
        id=run.id,
        project_id=run.project_id,
        project=facts.project,
        version_id=evaluation.prompt_version_id,
        version=facts.version,
        task_model=named[evaluation.endpoint_id],
        campaign_id=run.campaign_id,
        campaign=facts.campaign,
        round=run.round,
        opening_id=run.opening_id,
        split=evaluation.split,
        examples=run.upto,
        samples=run.samples,
        temperature=run.temperature,
        answer_tokens=run.max_tokens,
        count_fallbacks=run.count_fallbacks,
        status=run.status,
        phase=_phase(run, sum(held.values())),
        note=run.note,
        worker_missing=_worker_missing(session, run),
        total=run.total,
        done=run.done,
        reused=run.reused,
        elsewhere=run.elsewhere,
        served_by=_others(named, latest) if run.elsewhere else [],
        blocks=run.blocks,
        blocks_done=run.blocks_done,
        rate=rate,
        rate_since_start=_rate(run.done, _seconds(run)),
        seconds_left=(run.total - run.done) / rate if rate and run.status in WORKING else None,
        seconds=_seconds(run),
        workers=[_share(one, held.get(one.worker, 0)) for one in took],
        used=used(facts),
        near=_near(session, run),
        rule=rules.view(session, project),
        goal=evaluation.goal,
        score=run_boards.score_of(evaluation),
        right=0 if sealed else evaluation.right,
        unreadable=0 if sealed else evaluation.unreadable,
        measures=measures(None if sealed else evaluation.summary, project.answer_space),
        created_at=run.created_at,
        started_at=run.started_at,
        finished_at=run.finished_at,
    )


def runs_page(session: Session, project_id: str, before: str | None = None) -> RunsPage:
    """Raises NotFound."""
    projects.get(session, project_id)
    return RunsPage(*run_boards.of_project(session, campaign_boards.models(session), project_id, before))


def _phase(run: Run, held: int) -> str:
    if run.status == "running":
        return "summing up" if run.blocks_done == run.blocks else "answering"
    return "finishing" if held and run.status in ("paused", "exhausted", "stopped") else run.status


def _worker_missing(session: Session, run: Run) -> bool:
    """Whether nobody lives who could go on with it: make its calls, or sum it up."""
    living = heartbeats.alive_by_role(heartbeats.beats(session))
    if run.status in WORKING and run.blocks_done < run.blocks:
        return not living["calls"]
    ends = run.status in WORKING or (run.status == "stopped" and run.finished_at is None)
    return ends and not living["drivers"]


def _near(session: Session, run: Run) -> list[CapUse]:
    if run.status not in OPEN:
        return []
    return [use for use in capping.uses(session, capping.shared(run.project_id)) if use.near]


def _seconds(run: Run) -> float | None:
    if run.started_at is None:
        return None
    return ((run.finished_at or now()) - run.started_at).total_seconds()


def _rate(answers: int, seconds: float | None) -> float | None:
    return answers / seconds if seconds is not None and seconds >= FEWEST else None


def _rate_now(run: Run, latest: Latest) -> float | None:
    """Over the newest calls; nothing is told of a run that does not go on, or that has just begun."""
    begun = _seconds(run)
    if run.status != "running" or latest.since is None or begun is None or begun < FEWEST:
        return None
    window = min(begun, (now() - latest.since).total_seconds())
    return latest.answers / max(window, SHORTEST)


def _others(named: Models, latest: Latest) -> list[Model]:
    return [named[one] for one in latest.served_by if one in named]


def _share(took: WorkedOn, held: int) -> WorkerShare:
    """Whoever holds no block now worked until its last one was done, as far as is known."""
    until = now() if held else took.until
    rate = _rate(took.answers, (until - took.since).total_seconds()) if until and took.since else None
    return WorkerShare(took.worker, took.answers, took.blocks, took.blocks_done, held, rate)


def used(facts: RunFacts) -> list[Used]:
    return [_used(facts.account, kind) for kind in KINDS]


def _used(account: Account, kind: str) -> Used:
    spent, cap = account.used(kind), getattr(account, f"cap_{kind}")
    share = spent / cap if cap else None
    known = None if kind == "cost" and account.unpriced else spent
    warning = share is not None and share >= WARNING
    return Used(kind, known, getattr(account, f"reserved_{kind}"), cap, share, warning)
