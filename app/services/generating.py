"""Asks generators for proposals: found by content when they were asked before, bought otherwise."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from hashlib import sha256

from sqlalchemy.orm import Session

from app.domain.improving.asks import Generate, Reply, Score
from app.errors import BudgetExhausted, Conflict, EndpointFailure
from app.services.bookkeeping import Wish
from app.services.buying import Buyer
from app.storage import answers, jobs, rounds
from app.storage.jobs import Lease
from app.storage.rounds import AskRecord
from app.storage.session import Database, insert_new

# Names stay hidden until the outcome, so a seat's own fault is told by the call log after it.
_FAILS = "A generator of this round fails; its name stays hidden until the outcome."
_CANNOT = (
    "A generator of this round cannot be used; its name stays hidden until the outcome. Test the generators on the "
    "Endpoints page, mend the one that fails, then resume."
)


def ask_key(ask: Generate | Score) -> str:
    """The content of an ask; the same ask in the same round finds the same answer."""
    return sha256(json.dumps(asdict(ask), ensure_ascii=False, sort_keys=True).encode()).hexdigest()


class AskBook:
    """The recorded asks of one round: what was asked, what was answered, what the cap refused."""

    def __init__(self, database: Database, lease: Lease, campaign_id: str, round_number: int) -> None:
        self._database, self._lease = database, lease
        self.campaign_id, self.round = campaign_id, round_number

    def refused(self, key: str) -> bool:
        with self._database.read() as session:
            known = rounds.find_ask(session, self.campaign_id, self.round, key)
        return known is not None and known.exhausted

    def refuse(self, keyed: Iterable[tuple[str, Generate | Score]]) -> None:
        """Record that the cap refused these, so that a replay takes the same way after the cap was raised."""
        with self._database.write() as session:
            jobs.renew(session, self._lease)
            for key, ask in keyed:
                record = self.record(session, key, ask)
                record.exhausted = record.answer_id is None

    def record(self, session: Session, key: str, ask: Generate | Score) -> AskRecord:
        """The row of this ask. Raises Conflict when the seat asked something else in this round before."""
        seat = ask.seat if isinstance(ask, Generate) else "score"
        if isinstance(ask, Generate) and rounds.asked_otherwise(session, self.campaign_id, self.round, seat, key):
            raise Conflict(
                f"Round {self.round} asked the {seat} seat something else before. The same engine must ask the same: "
                "this is a bug. The round's page has the first request."
            )
        packed = rounds.pack_messages(ask.messages if isinstance(ask, Generate) else ())
        row = {"campaign_id": self.campaign_id, "round": self.round, "key": key, "seat": seat, "request": packed}
        session.execute(insert_new(session, AskRecord).values(exhausted=False, **row))
        return session.get_one(AskRecord, (self.campaign_id, self.round, key))


class Generators:
    """Whoever sits in the seats of one round."""

    def __init__(self, database: Database, lease: Lease, buyer: Buyer, book: AskBook, seats: Mapping[str, str]) -> None:
        self._database, self._lease, self._buyer, self._book, self._seats = database, lease, buyer, book, seats

    def ask(self, asks: Sequence[Generate]) -> tuple[Reply, ...]:
        """The replies in the order of the asks. Raises what Buyer.buy raises."""
        keyed = [(ask_key(ask), ask) for ask in asks]
        if any(self._book.refused(key) for key, _ in keyed):
            raise BudgetExhausted("This ask was refused when the cap was reached.")
        self._record(keyed)
        try:
            self._buyer.buy([self._wish(ask) for key, ask in keyed if self._reply(key) is None], self._book.round)
        except BudgetExhausted:
            self._link(keyed)
            self._book.refuse(keyed)
            raise
        except EndpointFailure as failure:
            if len(set(self._seats.values())) == 1:
                raise
            said = _CANNOT if failure.lasting else _FAILS
            raise EndpointFailure(said, lasting=failure.lasting, wait=failure.wait) from failure
        self._link(keyed)
        return tuple(reply for key, _ in keyed if (reply := self._reply(key)) is not None)

    def _record(self, keyed: Sequence[tuple[str, Generate]]) -> None:
        with self._database.write() as session:
            jobs.renew(session, self._lease)
            for key, ask in keyed:
                self._book.record(session, key, ask)
        self._link(keyed)

    def _wish(self, ask: Generate) -> Wish:
        owner = f"{self._book.campaign_id}:{self._book.round}:{ask.seat}"
        return Wish(self._seats[ask.seat], ask.messages, ask.sampling, "generator", owner=owner)

    def _reply(self, key: str) -> Reply | None:
        with self._database.read() as session:
            known = rounds.find_ask(session, self._book.campaign_id, self._book.round, key)
        return Reply(known.text, known.finish_reason == "stop") if known is not None else None

    def _link(self, keyed: Sequence[tuple[str, Generate]]) -> None:
        """Point each ask to its stored answer, also to one that a killed process stored last."""
        with self._database.write() as session:
            jobs.renew(session, self._lease)
            for key, ask in keyed:
                answer_id = self._stored(session, self._wish(ask))
                if answer_id is not None:
                    self._book.record(session, key, ask).answer_id = answer_id
                    rounds.use_answer(session, self._book.campaign_id, self._book.round, answer_id, "generator")

    def _stored(self, session: Session, wish: Wish) -> int | None:
        request_hash = wish.request_hash(self._buyer.target(wish.endpoint_id))
        answer = answers.stored(session, [request_hash], wish.owner).get(request_hash)
        return answer.id if answer else None
