"""Drives a campaign: one round after another under a lease, from wherever it stands, until it ends."""

import time
from dataclasses import dataclass

from app.domain import formats
from app.domain.improving.arena import SEATS, RoundResult, arena_round, opening
from app.domain.improving.briefs import Task
from app.domain.improving.pairs import seats
from app.domain.improving.playing import play
from app.domain.improving.state import Rules, State, load, why_to_stop
from app.domain.prompts import placeholders
from app.errors import AgonError, CapReached, EndpointFailure
from app.services import capping, concluding, evaluating, settling
from app.services.answering import Shell
from app.services.buying import Buyer, Interrupted
from app.services.grading import Grading, grading_of
from app.services.scoring import Delegated, Job, Scorer
from app.settings import Settings
from app.storage import campaigns, evaluations, jobs, openings, projects, prompts, rounds, runs, test_sets
from app.storage.base import now
from app.storage.campaigns import Campaign
from app.storage.jobs import Lease, LeaseLost, Nudge, this_process
from app.storage.projects import Project
from app.storage.session import Database
from app.storage.test_sets import TestSetVersion

ENGINE = 3  # raised with every change of what a round asks: its meta-prompt, its draws, its looks
KIND = "campaign"


@dataclass(frozen=True)
class Setup:
    """What never changes while a campaign runs."""

    project: Project
    version: TestSetVersion
    rules: Rules
    task: Task
    start_text: str
    form: prompts.Format
    prompt_id: str
    reserve: int
    grading: Grading | None

    def round_cap(self, campaign: Campaign) -> int:
        """Calls that rounds may use: the holdout's are kept back."""
        return campaign.max_calls - self.reserve


def drive(database: Database, settings: Settings, job_id: str) -> list[Nudge]:
    """Work on the campaign of this job; whom to nudge afterwards. Losing the claim is normal."""
    with database.write() as session:
        lease = jobs.claim(session, job_id, settings.lease_seconds, this_process())
    if lease is None:
        return []
    driver = Driver(database, settings, lease)
    try:
        again = driver.run()
    except LeaseLost:
        again = False
    except EndpointFailure as failure:
        again = _fail(database, settings, lease, str(failure), lasting=failure.lasting, wait=failure.wait)
    except CapReached as reached:
        again = _fail(database, settings, lease, str(reached), lasting=True)
    except (KeyboardInterrupt, SystemExit):
        with database.write() as session:
            jobs.release(session, lease, again=True)
        raise
    except AgonError as fault:
        _fail(database, settings, lease, str(fault), lasting=True)
        raise
    except Exception as fault:
        _fail(database, settings, lease, f"A fault inside Agon ({type(fault).__name__}); the worker's log has it.")
        raise
    return [*driver.nudges, *([Nudge(job_id, KIND)] if again else [])]


def _fail(
    database: Database, settings: Settings, lease: Lease, message: str, *, lasting: bool = False, wait: float = 0.0
) -> bool:
    """Try again after `wait` seconds or more, or pause the campaign with a sentence that a person can act on."""
    with database.write() as session:
        jobs.renew(session, lease)
        campaign = campaigns.get(session, lease.subject)
        if campaign.status == "finished":
            return jobs.release(session, lease)
        campaign.note = message
        failures = session.get_one(jobs.Job, lease.job_id).attempts + 1
        if lasting or failures >= settings.job_attempts:
            campaign.status = "paused"
            return jobs.release(session, lease)
        jobs.put_off(session, lease, message, seconds=max(wait, min(60.0, 2.0**failures)))
        return False


class Driver:
    """One holder's work on one campaign."""

    def __init__(self, database: Database, settings: Settings, lease: Lease) -> None:
        self._database, self._settings, self._lease = database, settings, lease
        self._id = lease.subject
        self._since = time.monotonic()
        self.nudges: list[Nudge] = []

    def run(self) -> bool:
        until = time.monotonic() + self._settings.slice_seconds
        with self._database.read() as session:
            setup = self._set_up(campaigns.get(session, self._id))
        delegated = False
        while self._obey() == "running" and not (delegated := self._others_work()):
            with self._database.read() as session:
                campaign = campaigns.get(session, self._id)
            buyer = Buyer(self._database, self._settings, self._lease, campaign, setup.project, setup.reserve)
            try:
                self._step(setup, buyer)
            except Interrupted:
                continue
            except Delegated as others:
                self.nudges += others.nudges
            finally:
                buyer.close()
                self._count_time()
            if time.monotonic() > until:
                break
        with self._database.write() as session:
            running = campaigns.get(session, self._id).status == "running"
            return jobs.release(session, self._lease, again=running and not delegated)

    def _set_up(self, campaign: Campaign) -> Setup:
        with self._database.read() as session:
            project = projects.get(session, campaign.project_id)
            version = test_sets.get_with_forbidden(session, campaign.version_id)
            start = prompts.get(session, campaign.start_version_id)
            grading = grading_of(session, project)
            spent = openings.is_spent(session, version, campaign.id)
        rules = Rules(**campaign.rules)
        task = Task(
            description=project.description,
            answers=project.answer_space,
            form=formats.load(start.format),
            goal=rules.goal,
            placeholders=tuple(sorted(placeholders(start.text))),
            prompt_limit=rules.prompt_limit,
        )
        sealed, retries = 0 if spent else version.splits["holdout"], self._settings.retry_reserve
        reserve = concluding.holdout_reserve(sealed, retries, rules.calls_each)
        return Setup(project, version, rules, task, start.text, start.format, start.prompt_id, reserve, grading)

    def _obey(self) -> str:
        """Do what people asked for since the last look; the status that follows from it."""
        with self._database.write() as session:
            jobs.renew(session, self._lease)
            campaign = campaigns.get(session, self._id)
            if campaign.status == "queued":
                campaign.status, campaign.started_at = "running", now()
            for wish in campaigns.take_events(session, self._id):
                settling.obey(campaign, wish)
                self.nudges += evaluating.follow_campaign(session, self._id, wish)
            if campaign.status == "running":
                campaign.note = ""
            return campaign.status

    def _others_work(self) -> bool:
        """Whether blocks of this campaign are with others, who poke us at the end; one they cannot do pauses it."""
        with self._database.write() as session:
            jobs.renew(session, self._lease)
            ordered = runs.open_of_campaign(session, self._id)
            paused = next((run for run in ordered if run.status == "paused"), None)
            if paused is not None:
                campaign = campaigns.get(session, self._id)
                campaign.status, campaign.note = "paused", paused.note
            return paused is not None or any(run.status != "exhausted" for run in ordered)

    def _count_time(self) -> None:
        moment = time.monotonic()
        with self._database.write() as session:
            campaigns.get(session, self._id).seconds += moment - self._since
        self._since = moment

    def _step(self, setup: Setup, buyer: Buyer) -> None:
        """The opening, one round, or the end: whatever comes next."""
        with self._database.read() as session:
            campaign = campaigns.get(session, self._id)
        scorer = self._scorer(campaign, setup, buyer)
        state = load(campaign.state) if campaign.state else None
        if campaign.stopped_because is None:
            if state is None:
                campaign.stopped_because = self._open(campaign, setup, buyer, scorer)
            else:
                campaign.stopped_because = why_to_stop(state, setup.rules) or self._round(
                    campaign, setup, state, buyer, scorer
                )
        if campaign.stopped_because is not None:
            self._end(campaign, setup, buyer, scorer)
        with self._database.write() as session:
            jobs.progressed(session, self._lease)

    def _scorer(self, campaign: Campaign, setup: Setup, buyer: Buyer) -> Scorer:
        answers, gaps = setup.task.answers, setup.task.placeholders
        task, version = campaign.task_endpoint_id, setup.version.id
        job = Job(campaign.id, task, version, answers, gaps, setup.rules, setup.grading)
        return Scorer(self._database, self._settings, self._lease, buyer, job)

    def _shell(
        self, campaign: Campaign, setup: Setup, buyer: Buyer, scorer: Scorer, number: int, seated: dict[str, str]
    ) -> Shell:
        return Shell(
            self._database,
            self._lease,
            buyer,
            scorer,
            campaign_id=campaign.id,
            prompt_id=setup.prompt_id,
            version_id=setup.version.id,
            round_number=number,
            seats=seated,
            form=setup.form,
        )

    def _open(self, campaign: Campaign, setup: Setup, buyer: Buyer, scorer: Scorer) -> str | None:
        """Score the start prompt on dev; the reason to end when the budget does not reach for a round."""
        with self._database.read() as session:
            answered = evaluations.answered(
                session, campaign.start_version_id, campaign.task_endpoint_id, setup.version.id
            )
        if setup.round_cap(campaign) < setup.rules.dev_size - answered + len(SEATS):
            return "budget too small"
        shell = self._shell(campaign, setup, buyer, scorer, 0, {})
        state = play(opening(setup.start_text, setup.rules), shell.answer)
        if state is None:
            return "budget too small"
        with self._database.write() as session:
            jobs.renew(session, self._lease)
            settling.settle_opening(session, campaign.id, state)
        return None

    def _round(self, campaign: Campaign, setup: Setup, state: State, buyer: Buyer, scorer: Scorer) -> str | None:
        """Play and settle one round; the reason to end when the budget was spent in it."""
        number = campaign.settled_rounds + 1
        seated = self._freeze(campaign, number, state)
        shell = self._shell(campaign, setup, buyer, scorer, number, seated)
        turn = arena_round(state, setup.task, setup.rules, campaign.seed, setup.version.forbidden)
        result: RoundResult = play(turn, shell.answer)
        with self._database.write() as session:
            jobs.renew(session, self._lease)
            spent = capping.fullest(campaigns.get(session, campaign.id).account)
            if number == 1 and result.battle.n == 0:
                spent = "budget too small"
            end = spent if result.exhausted else None
            settling.settle_round(session, campaign.id, result, seated, end)
        return end

    def _freeze(self, campaign: Campaign, number: int, state: State) -> dict[str, str]:
        """Write a round's inputs down before its first ask; a round that was begun keeps its own."""
        left, right = seats(len(campaign.generators), campaign.seed, number)
        drawn = {"left": campaign.generators[left], "right": campaign.generators[right]}
        with self._database.write() as session:
            jobs.renew(session, self._lease)
            turn = rounds.get_round(session, campaign.id, number)
            if turn is None:
                settling.begin_round(session, campaign.id, number, state, drawn, ENGINE)
                return drawn
            if turn.inputs["engine"] != ENGINE:
                rounds.forget_asks(session, campaign.id, number)
                turn.inputs = {**turn.inputs, "engine": ENGINE}
                turn.note = "Started again from its frozen inputs by a newer version of Agon."
            return {"left": turn.inputs["left"], "right": turn.inputs["right"]}

    def _end(self, campaign: Campaign, setup: Setup, buyer: Buyer, scorer: Scorer) -> None:
        with self._database.write() as session:
            jobs.renew(session, self._lease)
            campaigns.get(session, campaign.id).stopped_because = campaign.stopped_because
        buyer.keep(0)
        alarm = self._settings.unreadable_alarm
        concluding.conclude(self._database, self._lease, scorer, campaign.id, setup.rules, self._count_time, alarm)
