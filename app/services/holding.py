"""One block in one worker's hands: taken under a lease, answered batch by batch, finished or let go."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from app.gateway.calls import Purchase
from app.services import bookkeeping, capping
from app.services.bookkeeping import Wish
from app.services.ordering import Order, Stored
from app.services.purse import Purse
from app.services.questions import Answered
from app.storage import answers, asking, evaluations, jobs, parties, probabilities, runs
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


def key_of(block_id: str, example_id: int) -> str:
    """The name of a request: it says which block it belongs to."""
    return f"{block_id}:{example_id}"


def block_of(key: str) -> str:
    return key.partition(":")[0]


class Open(NamedTuple):
    """An example that is to be answered, and the hash of the request to the model that is asked first."""

    example: Placed
    wish: Wish
    request_hash: str


class Holding:
    """What of the block is still open, by the key of its request. Every write begins by renewing the lease.

    Examples that make the same request, when any answer to it may be shared, are one purchase: the first of them is
    open, the others are its `twins`.
    """

    def __init__(self, order: Order, lease: Lease, purse: Purse, job_attempts: int) -> None:
        self.order, self.lease, self.purse = order, lease, purse
        self.open: dict[str, Open] = {}
        self._twins: dict[str, list[Placed]] = {}
        self.done = False
        self._job_attempts = job_attempts
        self._elsewhere: set[int] = set()
        self._awaited = 0
        self._progressed = False

    def take(self, session: Session, holder: str) -> list[Nudge]:
        """Count what is there, use stored answers, and keep the rest open."""
        order = self.order
        self.block = session.get_one(Block, self.lease.subject)
        span = self.block.sample, self.block.first, self.block.upto
        missing, self._elsewhere = evaluations.missing(session, order.evaluation, *span, order.opening_id)
        runs.begin_block(session, self.block, self.block.size - len(missing), len(self._elsewhere), holder)
        self._open(session, missing)
        self.purse.open(session, order.accounts)  # last, as in `save`: whoever has the run's row may want accounts next
        return [] if self.open else self._finish(session)

    def _open(self, session: Session, missing: Sequence[Placed]) -> None:
        """Sort what is missing: answered before, by whoever paid for it; the same as another's; still to be bought.

        What another job is buying at this moment is not bought again: its answer is looked for afterwards. The store is
        asked last, for answers are stored before their requests are given up.
        """
        order, sample = self.order, self.block.sample
        wishes = [order.wish(example, sample) for example in missing]
        hashes = [wish.request_hash(order.targets[0]) for wish in wishes]
        shared = bool(wishes) and wishes[0].owner == answers.SHARED
        mine = asking.begin(session, hashes, self.lease.subject) if shared else set(hashes)
        known = answers.stored(session, hashes) if shared else {}
        leaders, found = dict[str, str](), list[Answered]()
        for example, wish, request_hash in zip(missing, wishes, hashes, strict=True):
            key = key_of(self.block.id, example.example_id)
            if answer := known.get(request_hash):
                found.append(
                    order.answered(example, sample, Stored(answer.id, answer.text, answer.tokens), order.endpoints[0])
                )
            elif request_hash not in mine:
                self._awaited += 1
            elif shared and request_hash in leaders:
                self._twins.setdefault(leaders[request_hash], []).append(example)
            else:
                leaders[request_hash] = key
                self.open[key] = Open(example, wish, request_hash)
        self._store(session, found, reused=len(found))

    def save(self, session: Session, batch: Sequence[Purchase]) -> list[Nudge]:
        """Write down what was bought: answers, outputs, the log, and last the ledger, whose rows others wait for."""
        rows = [self._call(bought) for bought in batch]
        good = [(one, row) for one, row in zip(batch, rows, strict=True) if one.ok]
        kept = [bookkeeping.answer_row(row, one, self.open[one.key].wish.owner) for one, row in good]
        ids = answers.keep(session, kept)
        outputs = list[Answered]()
        for (one, row), answer in zip(good, kept, strict=True):
            stored = Stored(ids[answer["request_hash"], answer["owner"], answer["sample"]], one.text, answer["tokens"])
            outputs += self._answered(one.key, row, stored)
        self._store(session, outputs, reused=len(outputs) - len(good))
        for one, _ in good:
            del self.open[one.key]
        bookkeeping.log(session, rows)
        self.purse.settle(session, [one.key for one in batch], *bookkeeping.spent(rows))
        return [] if self.open else self._finish(session)

    def _call(self, bought: Purchase) -> dict[str, Any]:
        order, (_, wish, hashed) = self.order, self.open[bought.key]
        place = order.place_of(bought.served_by)
        asked, served, target = order.endpoints[0], order.endpoints[place], order.targets[place]
        hashed = wish.request_hash(target) if place else hashed
        return bookkeeping.call_row(bought, hashed, wish, order.errand, asked, served, target.api_key)

    def _answered(self, key: str, row: dict[str, Any], answer: Stored) -> list[Answered]:
        """The output of the example that was asked for, and those of its twins."""
        served = next((one for one in self.order.endpoints if one.id == row["served_by"]), self.order.endpoints[0])
        examples = [self.open[key].example, *self._twins.pop(key, [])]
        return [self.order.answered(one, self.block.sample, answer, served) for one in examples]

    def _store(self, session: Session, found: Sequence[Answered], reused: int) -> None:
        """Write outputs and probabilities down, and count them."""
        rows = [one.output for one in found]
        evaluations.add_outputs(session, rows)
        probabilities.add(session, rows, [one.probability for one in found if one.probability is not None])
        before = len(self._elsewhere)
        for row in rows:
            (self._elsewhere.discard if row["counts"] else self._elsewhere.add)(row["example_id"])
        counted = sum(bool(row["counts"]) for row in rows)
        self._progressed = self._progressed or counted > 0
        if rows:
            runs.advance(session, self.order.run.id, self.block.id, counted, reused, len(self._elsewhere) - before)

    def _finish(self, session: Session) -> list[Nudge]:
        """Everything was answered; what another model answered is asked again later."""
        self.done = True
        if self._elsewhere:
            return self.let_go(session, ELSEWHERE.format(count=len(self._elsewhere)), wait=ASK_AGAIN_SECONDS)
        asking.end(session, self.lease.subject)
        if self._awaited:
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
        if self._progressed:
            jobs.progressed(session, self.lease)
        failures = jobs.failures(session, self.lease) + 1
        if not lasting and failures < self._job_attempts:
            seconds = max(wait, min(60.0, 2.0**failures))
            jobs.put_off(session, self.lease, reason, seconds)
            if not self._progressed:
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
