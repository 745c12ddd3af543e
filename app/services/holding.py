"""One block in one worker's hands: taken under a lease, answered batch by batch, finished or let go."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.gateway.calls import Purchase
from app.services import bookkeeping
from app.services.bookkeeping import Wish
from app.services.ordering import Order
from app.services.purse import Purse
from app.storage import answers, evaluations, jobs, runs
from app.storage.jobs import Lease, Nudge
from app.storage.runs import BLOCK, Block
from app.storage.test_sets import Placed

RUN = "run"
CAMPAIGN = "campaign"
WORKING = ("queued", "running")
ASK_AGAIN_SECONDS = 30.0
RESERVED_SECONDS = 0.5
ELSEWHERE = "Another model answered {count} examples in place of the one asked. They do not count and are asked again."


def key_of(block_id: str, example_id: int) -> str:
    """The name of a request: it says which block it belongs to."""
    return f"{block_id}:{example_id}"


def block_of(key: str) -> str:
    return key.partition(":")[0]


class Holding:
    """What of the block is still open, by the key of its request. Every write begins by renewing the lease."""

    def __init__(self, order: Order, lease: Lease, purse: Purse, job_attempts: int) -> None:
        self.order, self.lease, self.purse = order, lease, purse
        self.open: dict[str, tuple[Placed, Wish]] = {}
        self.done = False
        self._job_attempts = job_attempts
        self._elsewhere: set[int] = set()
        self._progressed = False

    def take(self, session: Session, holder: str) -> list[Nudge]:
        """Count what is there, use stored answers, and keep the rest open."""
        order = self.order
        self.block = session.get_one(Block, self.lease.subject)
        span = self.block.sample, self.block.first, self.block.upto
        missing = evaluations.missing(session, order.evaluation, *span, order.opening_id)
        ids = [example.example_id for example in missing]
        self._elsewhere = evaluations.uncounted(session, order.evaluation.id, self.block.sample, ids)
        runs.begin_block(session, self.block, self.block.size - len(missing), len(self._elsewhere), holder)
        for example in missing:
            self.open[key_of(self.block.id, example.example_id)] = example, order.wish(example, self.block.sample)
        self._reuse(session)
        self.purse.open(session, order.accounts)  # last, as in `save`: whoever has the run's row may want accounts next
        return [] if self.open else self._finish(session)

    def _reuse(self, session: Session) -> None:
        """Take from the store what was answered before, whoever paid for it."""
        order, sample = self.order, self.block.sample
        hashes = {key: wish.request_hash(order.targets[0]) for key, (_, wish) in self.open.items()}
        owner = next((wish.owner for _, wish in self.open.values()), answers.SHARED)
        known = answers.stored(session, hashes.values(), owner, sample)
        found = [(key, known[one]) for key, one in hashes.items() if one in known]
        rows = [order.output(self.open[key][0], sample, one.id, one.text, order.endpoints[0]) for key, one in found]
        self._store(session, [key for key, _ in found], rows, reused=len(found))

    def save(self, session: Session, batch: Sequence[Purchase]) -> list[Nudge]:
        """Write down what was bought: answers, outputs, the log, and last the ledger, whose rows others wait for."""
        rows = [self._call(bought) for bought in batch]
        good = [(one.key, one.text, row) for one, row in zip(batch, rows, strict=True) if one.ok]
        kept = [bookkeeping.answer_row(row, text, self.open[key][1].owner) for key, text, row in good]
        ids = answers.keep(session, kept)
        found = [ids[row["request_hash"], row["owner"], row["sample"]] for row in kept]
        outputs = [self._output(*one, answer_id) for one, answer_id in zip(good, found, strict=True)]
        bookkeeping.log(session, rows)
        self._store(session, [key for key, _, _ in good], outputs)
        self.purse.settle(session, [one.key for one in batch], *bookkeeping.spent(rows))
        return [] if self.open else self._finish(session)

    def _call(self, bought: Purchase) -> dict[str, Any]:
        order, wish = self.order, self.open[bought.key][1]
        place = order.place_of(bought.served_by)
        target = order.targets[place]
        return bookkeeping.call_row(
            bought,
            wish.request_hash(target),
            wish,
            order.errand,
            order.endpoints[0],
            order.endpoints[place],
            target.api_key,
        )

    def _output(self, key: str, text: str, row: dict[str, Any], answer_id: int) -> dict[str, Any]:
        served = next((one for one in self.order.endpoints if one.id == row["served_by"]), self.order.endpoints[0])
        return self.order.output(self.open[key][0], self.block.sample, answer_id, text, served)

    def _store(self, session: Session, keys: Sequence[str], rows: Sequence[dict[str, Any]], reused: int = 0) -> None:
        """Write outputs down and count them."""
        evaluations.add_outputs(session, rows)
        before = len(self._elsewhere)
        for key, row in zip(keys, rows, strict=True):
            del self.open[key]
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
        self.purse.close(session)
        jobs.finish(session, self.lease)
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
        self.purse.close(session)
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
        why = bookkeeping.why_spent(session, self.order.accounts, self.purse.denied, self.purse.keep)
        if not why:
            jobs.defer(session, self.lease, RESERVED_SECONDS)
            return []
        jobs.shelve(session, self.lease)
        return pause(session, self.order, why, "exhausted")

    def _put_off(self, session: Session, reason: str, lasting: bool, wait: float) -> list[Nudge]:
        if self._progressed:
            jobs.progressed(session, self.lease)
        failures = jobs.failures(session, self.lease) + 1
        if not lasting and failures < self._job_attempts:
            jobs.put_off(session, self.lease, reason, seconds=max(wait, min(60.0, 2.0**failures)))
            return []
        jobs.shelve(session, self.lease)
        return pause(session, self.order, reason)


def shelve(session: Session, lease: Lease, status: str) -> None:
    """Let go of a block whose run does not go on now, or, when it was stopped, ever."""
    if status == "stopped":
        jobs.finish(session, lease)
    else:
        jobs.shelve(session, lease)


def pause(session: Session, order: Order, note: str, status: str = "paused") -> list[Nudge]:
    """Stop a run for a reason that a person can act on; a campaign that waits for it is told."""
    if not runs.set_status(session, order.run.id, status, note, among=WORKING):
        return []
    jobs.hold_party(session, BLOCK, order.run.id)
    if order.run.campaign_id is None:
        return []
    return [Nudge(jobs.want(session, CAMPAIGN, order.run.campaign_id), CAMPAIGN)]
