"""One block in one worker's hands: taken under a lease, answered batch by batch, finished or let go."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.domain.answercodes import UNGRADED
from app.gateway.calls import Purchase
from app.services import bookkeeping, capping
from app.services.needs import Met, Needs, Open
from app.services.ordering import Order, Stored
from app.services.purse import Purse
from app.services.questions import Answered
from app.storage import answers, asking, evaluations, grades, jobs, parties, probabilities, runs
from app.storage.grades import Awaiting
from app.storage.jobs import Lease, Nudge
from app.storage.runs import BLOCK, Block, Run
from app.storage.test_sets import Placed

RUN = "run"
CAMPAIGN = "campaign"
OPENING = "opening"
WORKING = ("queued", "running")
ASK_AGAIN_SECONDS = 30.0
RESERVED_SECONDS = 0.5
AWAITED_SECONDS = 1.0
ELSEWHERE = "Another model answered {count} examples in place of the one asked. They do not count and are asked again."


class Holding:
    """One block's needs under a lease. Every write begins by renewing it.

    `asked`: a call for it was allowed, or refused by a cap. `for_all`: a fault here puts off the run's other blocks too.
    An example whose answer must be graded is needed twice: first its answer, and when the block is taken again its grade.
    """

    def __init__(self, order: Order, lease: Lease, purse: Purse, job_attempts: int) -> None:
        self.order, self.lease, self.purse = order, lease, purse
        self.done = self.asked = False
        self.for_all = True
        self._needs = Needs(order, lease.subject)
        self._job_attempts = job_attempts
        self._elsewhere: set[int] = set()
        self._ungraded: set[int] = set()
        self.progressed = False

    @property
    def open(self) -> dict[str, Open]:
        """The requests to be bought, by their keys."""
        return self._needs.open

    def take(self, session: Session, holder: str) -> list[Nudge]:
        """Count what is there, use stored answers, and keep the rest open."""
        order = self.order
        self.block = session.get_one(Block, self.lease.subject)
        span = self.block.sample, self.block.first, self.block.upto
        missing, apart = evaluations.missing(session, order.evaluation, *span, order.opening_id)
        ungraded = self._awaiting(session, apart)
        self._elsewhere = apart - ungraded.keys()
        runs.begin_block(session, self.block, self.block.size - len(missing), len(self._elsewhere), holder)
        self._open(session, missing, ungraded)
        self.purse.open(session, order.accounts)  # last, as in `save`: whoever has the run's row may want accounts next
        return [] if self.open else self._finish(session)

    def _awaiting(self, session: Session, example_ids: set[int]) -> dict[int, Awaiting]:
        """The answers to these examples that wait for a grade."""
        if self.order.grading is None:
            return {}
        others = self.order.run.count_fallbacks
        return grades.awaiting(session, self.order.evaluation.id, self.block.sample, example_ids, of_others=others)

    def _open(self, session: Session, missing: Sequence[Placed], ungraded: Mapping[int, Awaiting]) -> None:
        """Use what the store has, also for the grades of answers that it has; the rest is open."""
        unanswered = [one for one in missing if one.example_id not in ungraded]
        wanted = [self._needs.to_answer(one, self.block.sample) for one in unanswered]
        found = [self._rows(met) for met in self._needs.take(session, wanted)]
        self._store(session, found, reused=len(found))
        if self.order.grading is not None:
            known = {**ungraded, **self._awaiting(session, {one.output["example_id"] for one in found})}
            places = [one for one in missing if one.example_id in known]
            wanted = [self._needs.to_grade(one, known[one.example_id]) for one in places]
            graded = [self._rows(met) for met in self._needs.take(session, wanted)]
            self._store(session, graded, reused=sum(one.output["example_id"] not in ungraded for one in graded))

    def _rows(self, met: Met) -> Answered:
        """The output of a need that is met, with what stands beside it."""
        need, found = met
        if need.answer is not None:
            replies = [reply for reply, _ in found]
            return self.order.graded(need.example, self.block.sample, need.answer, replies)
        return self.order.answered(need.example, self.block.sample, *found[0])

    def save(self, session: Session, batch: Sequence[Purchase]) -> list[Nudge]:
        """Write down what was bought: answers, outputs, the log, and last the ledger, whose rows others wait for."""
        rows = [self._call(bought) for bought in batch]
        good = [(one, row) for one, row in zip(batch, rows, strict=True) if one.ok]
        kept = [bookkeeping.answer_row(row, one, self.open[one.key].wish.owner) for one, row in good]
        ids = answers.keep(session, kept)
        outputs = list[Answered]()
        for (one, row), answer in zip(good, kept, strict=True):
            stored = Stored(ids[answer["request_hash"], answer["owner"], answer["sample"]], one.text, answer["tokens"])
            outputs += map(self._rows, self._needs.arrived(one.key, stored, row["served_by"]))
        self._store(session, outputs, reused=max(0, len(outputs) - len(good)))
        for one, _ in good:
            del self.open[one.key]
        bookkeeping.log(session, rows)
        self.purse.settle(session, [one.key for one in batch], *bookkeeping.spent(rows))
        return [] if self.open else self._finish(session)

    def _call(self, bought: Purchase) -> dict[str, Any]:
        wish, (hashed, _) = self.open[bought.key]
        route = self.order.route(wish)
        place = route.place_of(bought.served_by)
        asked, served, target = route.endpoints[0], route.endpoints[place], route.targets[place]
        hashed = wish.request_hash(target) if place else hashed
        return bookkeeping.call_row(bought, hashed, wish, self.order.errand, asked, served, target.api_key)

    def _store(self, session: Session, found: Sequence[Answered], reused: int) -> None:
        """Write outputs and what stands beside them down, and count those that count."""
        rows = [one.output for one in found]
        evaluations.add_outputs(session, rows)
        probabilities.add(session, rows, [one.probability for one in found if one.probability is not None])
        grades.add(session, [one.grade for one in found if one.grade is not None])
        before, waiting = len(self._elsewhere), 0
        for row in rows:
            example_id, is_ungraded = row["example_id"], self._is_ungraded(row)
            waiting += is_ungraded
            (self._ungraded.add if is_ungraded else self._ungraded.discard)(example_id)
            (self._elsewhere.discard if row["counts"] or is_ungraded else self._elsewhere.add)(example_id)
        counted = sum(bool(row["counts"]) for row in rows)
        self.progressed = self.progressed or counted + waiting > 0
        if rows:
            again = len(self._elsewhere) - before
            runs.advance(session, self.order.run.id, self.block.id, counted, min(reused, counted), again)

    def _is_ungraded(self, row: Mapping[str, Any]) -> bool:
        """Whether an output waits for its grade, and not for the model that was asked."""
        is_ours = row["served_by"] is None or self.order.run.count_fallbacks
        return is_ours and not row["counts"] and row["reading"] == UNGRADED

    def _finish(self, session: Session) -> list[Nudge]:
        """Everything was answered; what another model answered is asked again later."""
        self.done = True
        if self._elsewhere:
            return self.let_go(session, ELSEWHERE.format(count=len(self._elsewhere)), wait=ASK_AGAIN_SECONDS)
        if self._ungraded and not self._needs.awaited:
            return self.let_go(session)
        asking.end(session, self.lease.subject)
        if self._needs.awaited:
            jobs.defer(session, self.lease, AWAITED_SECONDS)
            self.purse.close(session)
            return []
        self.purse.close(session)
        jobs.finish(session, self.lease)
        parties.progressed(session, BLOCK, self.order.run.id)
        if runs.finish_block(session, self.order.run.id, self.block.id):
            return [Nudge(jobs.want(session, RUN, self.order.run.id), RUN)]
        return []

    def let_go(
        self, session: Session, reason: str = "", *, spent: bool = False, lasting: bool = False, wait: float = 0.0
    ) -> list[Nudge]:
        """Give the block back: to be done by whoever comes next, or, with a reason, later; or not while its run rests.

        `spent`: a cap is reached. `lasting`: a person must mend something first.
        """
        jobs.renew(session, self.lease)
        asking.end(session, self.lease.subject)
        nudges = self._leave(session, reason, spent, lasting, wait)
        self.purse.close(session)  # last, as everywhere
        return nudges

    def _leave(self, session: Session, reason: str, spent: bool, lasting: bool, wait: float) -> list[Nudge]:
        status = runs.status(session, self.order.run.id)
        if status not in WORKING:
            shelve(session, self.lease, status)
            return []
        if spent:
            return self._stop_at_the_cap(session)
        if reason:
            return self._put_off(session, reason, lasting, wait)
        jobs.release(session, self.lease, again=True)
        return [Nudge(self.lease.job_id, BLOCK)]

    def _stop_at_the_cap(self, session: Session) -> list[Nudge]:
        """Pause the run, unless only reservations stand in the way: what comes of them may leave room."""
        found = capping.blocking(session, self.order.accounts, self.purse.denied, self.purse.keep)
        if not found:
            jobs.defer(session, self.lease, RESERVED_SECONDS)
            return []
        jobs.shelve(session, self.lease)
        run = self.order.run
        own = run.campaign_id is None or any(use.account == run.account_id for use in found)
        refusal = capping.refusal(found, self.purse.denied)
        return pause(session, run, refusal, "exhausted" if own else "paused")

    def _put_off(self, session: Session, reason: str, lasting: bool, wait: float) -> list[Nudge]:
        run_id = self.order.run.id
        if self.progressed:
            jobs.progressed(session, self.lease)
        failures = jobs.failures(session, self.lease) + 1
        if not lasting and failures < self._job_attempts:
            seconds = max(wait, min(60.0, 2.0**failures))
            jobs.put_off(session, self.lease, reason, seconds)
            if self.for_all and not self.progressed:
                parties.put_off(session, BLOCK, run_id, reason, seconds)
            return []
        jobs.shelve(session, self.lease)
        return pause(session, self.order.run, reason)


def shelve(session: Session, lease: Lease, status: str) -> None:
    """Let go of a block whose run does not go on now, or, when it was stopped, ever."""
    if status == "stopped":
        jobs.finish(session, lease)
    else:
        jobs.shelve(session, lease)


def pause(session: Session, run: Run, note: str, status: str = "paused") -> list[Nudge]:
    """Stop a run for a reason that a person can act on; a campaign that waits for it is told.

    A campaign ends its rounds for a run that is exhausted, which its own cap did, and pauses with one that is paused.
    """
    if not runs.set_status(session, run.id, status, note, among=WORKING):
        return []
    parties.hold(session, BLOCK, run.id)
    if run.campaign_id is None:
        return []
    return [Nudge(jobs.want(session, CAMPAIGN, run.campaign_id), CAMPAIGN)]
